"""Who is alive: one heartbeat per worker keeps all its leases."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict

from image_spider.broker.client import Client
from image_spider.broker.frontier import NOTHING, FrontierOptions, released
from image_spider.broker.records import Answered, CrawlState, Released, Renewal, WorkerRecord, WorkerReport

LEAVE_LIMIT = 500  # leases that one call gives back


def worker_name(host: str, pid: int) -> str:
    """Return a name that no other process ever has: `host-pid-random`. A worker declared dead takes a new one."""
    return f"{host}-{pid}-{secrets.token_hex(4)}"


class Workers:
    """The workers of one frontier."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None:
        self._client = client
        self._name = options.name
        self._lease_ms = int(options.lease_seconds * 1000)
        self._max_losses = options.max_losses

    async def join(self, *, worker: str, report: WorkerReport) -> None:
        """Count this worker as alive from now on, for lease_seconds."""
        await self._client.script("renew", self._name, worker, self._lease_ms, 1, _dump(report), 0, 0)

    async def renew(
        self, *, worker: str, report: WorkerReport, crawls: Sequence[str] = (), answered: Answered = NOTHING
    ) -> Renewal:
        """Stay alive for another lease_seconds, and learn the states of these crawls."""
        alive, ended, states = await self._client.script(
            "renew", self._name, worker, self._lease_ms, 0, _dump(report), answered.push, answered.release, *crawls
        )
        known = {crawl: CrawlState(state.decode()) for crawl, state in zip(crawls, states, strict=False) if state}
        return Renewal(alive=bool(alive), states=known, ended=tuple(crawl.decode() for crawl in ended))

    async def reap(self, *, worker: str, limit: int = 100) -> Released:
        """Return up to `limit` leases of one other worker whose time is over.

        A request that was lost max_losses times is a dead letter. From the second loss on, requests come back one by
        one, so that one that kills its workers does not take the others along.

        Call it only when the own connection has been well for a lease time (Client.well_seconds): after a restart of
        Redis everybody's time is over until they renew.
        """
        return released(await self._client.script("reap", self._name, worker, limit, self._max_losses))

    async def leave(self, *, worker: str) -> Released:
        """Give back what is still leased, unharmed, and stop counting as a worker."""
        returned = 0
        while True:
            step = released(await self._client.script("leave", self._name, worker, LEAVE_LIMIT))
            returned += step.returned
            if not step.more:
                return Released(returned=returned)

    async def all(self) -> tuple[WorkerRecord, ...]:
        """Return the workers, dead ones that wait for the reaper included."""
        found = await self._client.script("list_workers", self._name)
        rows = zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True)
        return tuple(
            WorkerRecord(
                id=name.decode(),
                alive_ms=alive_ms,
                leases=leases,
                report=WorkerReport(**json.loads(report)) if report else None,
            )
            for name, alive_ms, leases, report in rows
        )


def _dump(report: WorkerReport) -> str:
    return json.dumps(asdict(report))
