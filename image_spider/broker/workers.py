"""Who is alive: one heartbeat per worker keeps all its leases."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from image_spider.broker.client import Client
from image_spider.broker.frontier import FrontierOptions
from image_spider.broker.records import Released, Renewal, WorkerRecord, WorkerReport


def worker_name(host: str, pid: int) -> str:
    """Return a name that no other process ever has: `host-pid-random`. A worker declared dead takes a new one."""
    return f"{host}-{pid}-{secrets.token_hex(4)}"


class Workers:
    """The workers of one frontier."""

    def __init__(self, *, client: Client, options: FrontierOptions) -> None: ...

    async def join(self, *, worker: str, report: WorkerReport) -> None:
        """Count this worker as alive from now on, for lease_seconds."""
        raise NotImplementedError

    async def renew(self, *, worker: str, report: WorkerReport, crawls: Sequence[str] = ()) -> Renewal:
        """Stay alive for another lease_seconds, and learn the states of these crawls."""
        raise NotImplementedError

    async def reap(self, *, worker: str, limit: int = 100) -> Released:
        """Return up to `limit` leases of one other worker whose time is over, with an attempt counted.

        Call it only when the own connection has been well for a lease time (Client.well_seconds): after a restart of
        Redis everybody's time is over until they renew.
        """
        raise NotImplementedError

    async def leave(self, *, worker: str) -> Released:
        """Give back what is still leased, unharmed, and stop counting as a worker."""
        raise NotImplementedError

    async def all(self) -> tuple[WorkerRecord, ...]:
        """Return the workers, dead ones that wait for the reaper included."""
        raise NotImplementedError
