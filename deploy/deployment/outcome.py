"""What became of each node in a deployment or a roll back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from deploy.deployment.target import Target


class State(StrEnum):
    """How far a node is; the last six are ends."""

    WAITING = "waiting"
    ASKING = "asking"
    READY = "ready"
    SENDING = "sending"
    VERIFYING = "verifying"
    TRYING = "trying"
    PUTTING_BACK = "putting back"
    DEPLOYED = "deployed"
    UNCHANGED = "unchanged"  # it runs this very egg already, or nothing was sent to it
    ROLLED_BACK = "rolled back"  # as it was asked for
    PUT_BACK = "put back"  # it had the egg, and runs again what it ran before
    FAILED = "failed"  # and it runs what it ran before
    UNKNOWN = "unknown"  # nobody can tell what it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A node: its state, why, what it runs (None: nothing, or nobody knows), and whether the hash was compared."""

    target: Target
    state: State = State.WAITING
    message: str = ""
    runs: str | None = None
    is_verified: bool = False
    is_stock: bool | None = None  # None: it has not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of it: an outcome per node. `is_well`: every node that was named runs what it should."""

    version: str | None
    sha256: str | None
    outcomes: Sequence[Outcome]
    is_well: bool

    @property
    def unverified(self) -> list[str]:
        """Return the nodes on which the hash could not be compared."""
        return [
            one.target.name
            for one in self.outcomes
            if not one.is_verified and one.state in (State.DEPLOYED, State.UNCHANGED, State.ROLLED_BACK) and one.runs
        ]

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "version": self.version,
            "sha256": self.sha256,
            "ok": self.is_well,
            "nodes": [
                {
                    "name": one.target.name,
                    "url": one.target.url,
                    "state": one.state,
                    "runs": one.runs,
                    "hash_verified": one.is_verified,
                    "stock_scrapyd": one.is_stock,
                    "message": one.message,
                }
                for one in self.outcomes
            ],
        }


class Show(Protocol):
    """Somebody who is told what happens while it happens."""

    def outcome(self, outcome: Outcome) -> None:
        """A node has come further."""

    def sent(self, target: Target, part: float) -> None:
        """Such a part of the egg has gone to a node."""
