"""What one probe of one server told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from image_spider.catalog.pool.address import Address

Role = Literal["primary", "standby"]
State = Literal[
    "running",
    "starting",  # starts up, shuts down or recovers: takes no connection now
    "full",  # has no connection left for us
    "refused",  # the user, the password, the database or pg_hba.conf is wrong: waiting does not mend it
    "unreachable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One server as a probe found it; what is not known is None.

    role is that of its recovery state. writable: a primary that takes writes by default. timeline is the one it
    writes, or follows. lsn is the WAL position in bytes that a primary has written or a standby has replayed.
    lag_bytes is how far a standby is behind the primary, where both are known, else behind what it has received;
    lag_seconds the age of its last replayed commit, 0 when it has replayed all it has received and still receives.
    """

    host: str
    port: int
    role: Role | None = None
    state: State
    writable: bool = False
    timeline: int | None = None
    system_identifier: str | None = None
    lsn: int | None = None
    lag_bytes: int | None = None
    lag_seconds: float | None = None
    server_version: str | None = None
    connect_seconds: float | None = None
    last_error: str = ""

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(self.host, self.port)
