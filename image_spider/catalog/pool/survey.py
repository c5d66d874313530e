"""One look at all servers at once, which need not wait for those that are silent."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from image_spider.catalog.pool.address import Address, Cluster
from image_spider.catalog.pool.choice import Choice, choose_primary
from image_spider.catalog.pool.node import Node
from image_spider.catalog.pool.patroni import lock_holder
from image_spider.catalog.pool.probe import probe
from image_spider.catalog.pool.view import View

LOOK_SECONDS = 2.5  # for all servers together: a connection's time-out and some
GRACE_SECONDS = 0.3  # for a server that knows better than the primary that we know
AGAIN_SECONDS = 0.2  # those that have answered are asked again while others are silent: one may be promoted meanwhile

_Told = Node | Address | Exception | None


class Survey:
    """Asks the servers, and Patroni, each in a thread of its own.

    A server that has not answered since the last look is not asked twice: its thread ends when its probe does.
    """

    def __init__(self, cluster: Cluster, *, patroni_urls: Sequence[str] = ()) -> None:
        self._cluster = cluster
        self._patroni_urls = tuple(patroni_urls)
        self._answers: queue.SimpleQueue[tuple[Address | str, _Told]] = queue.SimpleQueue()
        self._asked: set[Address | str] = set()

    def look(self, before: View) -> tuple[Choice, tuple[Node, ...]]:
        """Return the choice, and what every server told."""
        started = time.monotonic()
        nodes: dict[Address, Node] = {}
        holders: dict[str, _Told] = {}
        self._forget_late_answers()
        self._ask()
        while True:
            choice = self._choose(nodes, holders, before)
            left = LOOK_SECONDS - (time.monotonic() - started)
            if not self._asked or left <= 0:
                break
            if self._patroni_heard(holders) and nodes and choice.primary and before.last:
                if (choice.primary.timeline or 0) > before.timeline:
                    break  # a promotion: nobody who is silent can know better
                if choice.primary.address == before.last:
                    left = min(left, GRACE_SECONDS - (time.monotonic() - started))
            try:
                who, told = self._answers.get(timeout=min(max(0.0, left), AGAIN_SECONDS))
            except queue.Empty:
                if left <= AGAIN_SECONDS:
                    break
                self._ask()
                continue
            self._asked.discard(who)
            if isinstance(who, str):
                holders[who] = told
            elif isinstance(told, Node):
                nodes[who] = told
            else:
                nodes[who] = Node(host=who.host, port=who.port, state="unreachable", last_error=repr(told))
        return choice, tuple(self._complete(nodes).values())

    def _forget_late_answers(self) -> None:
        """Drop what came after the end of the last look, maybe many seconds ago: it is asked anew."""
        with suppress(queue.Empty):
            while True:
                who, _ = self._answers.get_nowait()
                self._asked.discard(who)

    def _ask(self) -> None:
        parameters, addresses = self._cluster.parameters, self._cluster.addresses
        for address in addresses:
            self._start(address, lambda address=address: probe(address, parameters))  # type: ignore[misc]
        for url in self._patroni_urls:
            self._start(url, lambda url=url: lock_holder(url, addresses))  # type: ignore[misc]

    def _start(self, who: Address | str, question: Callable[[], _Told]) -> None:
        if who not in self._asked:
            thread = threading.Thread(target=self._answer, args=(who, question), name=f"probe {who}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system has no thread left for us now
                self._answers.put((who, error))
            self._asked.add(who)

    def _answer(self, who: Address | str, question: Callable[[], _Told]) -> None:
        told: _Told
        try:
            told = question()
        except Exception as error:  # noqa: BLE001 - one that got out would leave `who` as asked, and never asked again
            told = error
        self._answers.put((who, told))

    def _patroni_heard(self, holders: dict[str, _Told]) -> bool:
        return len(holders) == len(self._patroni_urls) or any(isinstance(told, Address) for told in holders.values())

    def _choose(self, nodes: dict[Address, Node], holders: dict[str, _Told], before: View) -> Choice:
        named = {told for told in holders.values() if isinstance(told, Address)}
        choice = choose_primary(
            tuple(self._complete(nodes).values()),
            lock_holder=named.pop() if len(named) == 1 else None,  # one that is cut off may name an old leader
            timeline=before.timeline,
            system_identifier=before.system_identifier,
            last=before.last,
        )
        errors = [
            f"{url} ({str(told).strip() or repr(told)})" for url, told in holders.items() if isinstance(told, Exception)
        ]
        if errors and len(errors) == len(self._patroni_urls) and not choice.alarm:
            return replace(choice, alarm=f"no Patroni answers: {', '.join(errors)}")
        return choice

    def _complete(self, nodes: dict[Address, Node]) -> dict[Address, Node]:
        """Add those that have not answered, in the order of the URL."""
        silent = {
            address: Node(host=address.host, port=address.port, state="unreachable", last_error="does not answer")
            for address in self._cluster.addresses
        }
        return silent | nodes
