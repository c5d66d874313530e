"""Back to a version that nodes still have."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from deploy.deployment.node_client import NodeClient, NodeError
from deploy.deployment.outcome import Outcome, Report, Show, State
from deploy.deployment.target import Target
from deploy.deployment.versions import Versions, newer_than


class RollBack:
    """Makes nodes run an earlier version: our node activates it; on stock Scrapyd the later ones must be deleted.

    Without a version it is the one before the current one, which must be the same on every node. Nothing is changed
    unless every node answers and has the version.
    """

    def __init__(self, *, clients: Sequence[NodeClient], show: Show, version: str | None) -> None:
        self._clients = clients
        self._show = show
        self._version = version
        self._before: dict[Target, Versions] = {}
        self._outcomes: dict[Target, Outcome] = {}

    async def run(self) -> Report:
        """Roll back, and report; nodes that fail make no exception."""
        await asyncio.gather(*(self._look(client) for client in self._clients))
        if all(one.state is State.READY for one in self._outcomes.values()) and self._agree():
            await asyncio.gather(*(self._go(client) for client in self._clients))
        outcomes = tuple(self._outcomes[client.target] for client in self._clients)
        hashes = {(versions.hashes or {}).get(self._version or "") for versions in self._before.values()}
        return Report(
            version=self._version,
            sha256=hashes.pop() if len(hashes) == 1 else None,
            outcomes=outcomes,
            is_well=all(one.state in (State.ROLLED_BACK, State.UNCHANGED) for one in outcomes),
        )

    async def _look(self, client: NodeClient) -> None:
        try:
            before = self._before[client.target] = await client.versions()
        except NodeError as error:
            self._note(Outcome(target=client.target, state=State.FAILED, message=str(error)))
            return
        wanted = self._version or before.previous
        seen = Outcome(target=client.target, state=State.READY, runs=before.current, is_stock=before.is_stock)
        if wanted is None:
            seen = replace(seen, state=State.FAILED, message="it has no version before the current one")
        elif wanted not in before.order:
            has = ", ".join(before.order) or "none"
            seen = replace(seen, state=State.FAILED, message=f"it has no version {wanted}; it has {has}")
        self._note(seen)

    def _agree(self) -> bool:
        """Choose the version before the current one when none was named."""
        found = {self._version or versions.previous for versions in self._before.values()}
        if len(found) == 1:
            self._version = found.pop()
            return True
        for target, versions in self._before.items():
            message = f"its version before the current one is {versions.previous}, others have another: name one"
            self._note(replace(self._outcomes[target], state=State.FAILED, message=message))
        return False

    async def _go(self, client: NodeClient) -> None:
        before, outcome, wanted = self._before[client.target], self._outcomes[client.target], self._version
        assert wanted
        if before.current == wanted:
            self._note(replace(outcome, state=State.UNCHANGED, message="it runs this version already"))
            return
        self._note(replace(outcome, state=State.PUTTING_BACK))
        try:
            if before.is_stock:
                for version in newer_than(before, wanted):
                    await client.delete(version)
            else:
                await client.activate(wanted)
            after = await client.versions()
            await client.spiders(wanted)
        except NodeError as error:
            self._note(replace(outcome, state=State.UNKNOWN, runs=None, message=str(error)))
            return
        if after.current != wanted:
            self._note(replace(outcome, state=State.FAILED, runs=after.current, message=f"it runs {after.current}"))
            return
        same = (after.hashes or {}).get(wanted) == (before.hashes or {}).get(wanted, "")
        self._note(replace(outcome, state=State.ROLLED_BACK, runs=wanted, is_verified=same))

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.target] = outcome
        self._show.outcome(outcome)
