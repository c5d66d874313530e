"""Which of the servers is the primary: a pure function of what the probes told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The primary, or why there is none. An alarm is for people, whether or not there is one.

    conflict: servers contradict each other, and waiting may not help. refused: all servers refuse us, or the one that
    was written to last does and no other answers.
    """

    primary: Node | None = None
    reason: str = ""
    alarm: str = ""
    conflict: bool = False
    refused: bool = False


def choose_primary(
    nodes: Sequence[Node],
    *,
    lock_holder: Address | None = None,
    timeline: int = 0,
    system_identifier: str | None = None,
    last: Address | None = None,
) -> Choice:
    """Choose the server to write to.

    lock_holder is the leader by Patroni, None without it. last is the primary that was written to last, timeline and
    system_identifier are its: a server on an older timeline has missed a promotion, and one of another cluster holds
    other data. Weakness: without Patroni, and with one primary in sight, a process that has just started takes it,
    even if the right one is out of its sight; synchronous replication keeps such a one from acknowledging anything.
    """
    identifiers = {node.system_identifier for node in nodes if node.system_identifier}
    identifiers |= {system_identifier} if system_identifier else set()
    if len(identifiers) > 1:
        return _conflict("servers of different clusters stand in DATABASE_URL", [n for n in nodes if n.role])
    claimants = [node for node in nodes if node.writable]
    alarm = f"several servers take writes: {_names(claimants)}" if len(claimants) > 1 else ""
    if lock_holder in {node.address for node in nodes}:
        for node in claimants:
            if node.address == lock_holder:
                return Choice(primary=node, alarm=alarm)
        reason = f"{lock_holder} holds Patroni's lock and takes no writes yet; {reasons(nodes)}"
        return Choice(reason=reason, refused=_refused(nodes, lock_holder))
    current = [node for node in claimants if (node.timeline or 0) >= timeline]
    if claimants and not current:
        return Choice(reason=f"{_names(claimants)} has missed a promotion: timeline {timeline} was seen before")
    if not current:
        return Choice(reason=reasons(nodes), refused=_refused(nodes, last))
    highest = max(node.timeline or 0 for node in current)
    newest = [node for node in current if (node.timeline or 0) == highest]
    if len(newest) > 1:
        return _conflict("several servers take writes on one timeline", newest)
    return Choice(primary=newest[0], alarm=alarm)


def with_lag(nodes: Sequence[Node], primary: Node | None) -> tuple[Node, ...]:
    """Return the nodes with each standby's lag behind the primary, where both positions are known."""
    if primary is None or primary.lsn is None:
        return tuple(nodes)
    return tuple(
        replace(node, lag_bytes=max(0, primary.lsn - node.lsn))
        if node.role == "standby" and node.lsn is not None
        else node
        for node in nodes
    )


def reasons(nodes: Sequence[Node]) -> str:
    """Say of every server why it is not written to."""
    return "; ".join(f"{node.address} {_state(node)}" for node in nodes) or "no server answers"


def _state(node: Node) -> str:
    if node.role == "standby":
        return "is a standby"
    if node.role == "primary":
        return "is read-only"
    return f"is {node.state} ({node.last_error})" if node.last_error else f"is {node.state}"


def _refused(nodes: Sequence[Node], leader: Address | None) -> bool:
    """Tell whether the configuration is wrong, and not only that of a standby while the primary is away."""
    refusing = {node.address for node in nodes if node.state == "refused"}
    others = {node.state for node in nodes} - {"refused"}
    return bool(refusing) and (not others or (others == {"unreachable"} and leader in refusing))


def _conflict(what: str, nodes: Sequence[Node]) -> Choice:
    return Choice(reason=f"{what}: {_names(nodes)}", alarm=f"{what}: {_names(nodes)}", conflict=True)


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(f"{node.address} (timeline {node.timeline})" for node in nodes)
