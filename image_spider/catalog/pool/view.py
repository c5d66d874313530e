"""What this process knows of the cluster: one immutable value, replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.choice import Choice
from image_spider.catalog.pool.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The servers as the last probes found them.

    generation counts primaries: it changes when another server is the primary, or the same one on another timeline.
    timeline and system_identifier are those of the last primary, also while there is none. look numbers the views.
    """

    look: int = 0
    generation: int = 0
    choice: Choice = Choice(reason="no server was asked yet")  # noqa: RUF009 - it is frozen
    nodes: tuple[Node, ...] = ()
    timeline: int = 0
    system_identifier: str | None = None
    last: Address | None = None  # the last primary
    readers: tuple[Address, ...] = ()

    @property
    def primary(self) -> Node | None:
        """The server to write to."""
        return self.choice.primary


def next_view(before: View, choice: Choice, nodes: tuple[Node, ...], *, lag_seconds: float) -> View:
    """Return the view after a look; standbys within the lag bound serve readers, else the primary does."""
    primary = choice.primary
    standbys = [
        node.address
        for node in nodes
        if node.role == "standby" and node.lag_seconds is not None and node.lag_seconds <= lag_seconds
    ]
    readers = tuple(standbys) or ((primary.address,) if primary else ())
    view = replace(before, look=before.look + 1, choice=choice, nodes=nodes, readers=readers)
    if primary is None:
        return view
    timeline = primary.timeline or 0
    same = (primary.address, timeline) == (before.last, before.timeline)
    return replace(
        view,
        generation=before.generation if same else before.generation + 1,
        timeline=timeline,
        system_identifier=primary.system_identifier or before.system_identifier,
        last=primary.address,
    )
