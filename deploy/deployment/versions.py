"""Which egg a node runs, which it would run, and what is wrong with that: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scrapyd.eggstorage import sorted_versions

UNVERIFIED = "not verified, for stock Scrapyd tells no hash: that it holds these bytes, and that nothing shadows them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The eggs of a project on a node, in the order in which they would take over from each other.

    `hashes` (version -> SHA-256) is None for stock Scrapyd, which tells none; it runs what sorts last. `order` is of
    old to new: by name on stock Scrapyd, by activation on our node.
    """

    order: tuple[str, ...]
    current: str | None
    hashes: Mapping[str, str] | None = None

    @property
    def is_stock(self) -> bool:
        """Whether this is a Scrapyd without our node package."""
        return self.hashes is None

    @property
    def previous(self) -> str | None:
        """The version that ran before the current one."""
        if self.current not in self.order:
            return None
        before = self.order[: self.order.index(self.current)]
        return before[-1] if before else None

    def holds(self, version: str, sha256: str) -> bool:
        """Tell whether the current egg is proved to be this one."""
        return self.current == version and self.hashes is not None and self.hashes.get(version) == sha256


def stored_name(version: str) -> str:
    """Return what Scrapyd makes of a version's name (scrapyd.eggstorage, 1.6)."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", version)


def refusal(before: Versions, version: str, sha256: str) -> str:
    """Say why a node must not get this version; empty: it may.

    Checked before anything is sent: stock Scrapyd stores an egg first and asks questions later.
    """
    if version in before.order:
        told = before.hashes.get(version) if before.hashes is not None else None
        if told == sha256:
            return f"the node has this egg, and runs {before.current}: --roll-back {version} goes back to it"
        other = "with other bytes" if told else "and cannot tell with which bytes"
        return f"the node has a version {version} already, {other}: deploy under another --version"
    if before.is_stock and (last := sorted_versions([*before.order, version])[-1]) != version:
        return (
            f"stock Scrapyd runs the version that sorts last, and that would still be {last}: choose a --version that"
            f" sorts after it, or delete {last} on the node"
        )
    return ""


def complaints(after: Versions, *, version: str, sha256: str, listed: Sequence[str], spiders: Sequence[str]) -> str:
    """Say what is wrong with a node that has got an egg with these spiders, and lists those; empty: nothing is."""
    if version not in after.order:
        return f"the node took the egg, and has no version {version}: it has {', '.join(after.order) or 'none'}"
    if after.hashes is not None and (told := after.hashes.get(version)) != sha256:
        return f"the node holds other bytes: sent SHA-256 {sha256}, it has {told or 'told none'}"
    if after.current != version:
        return f"the node runs version {after.current}, not {version}: another deployment has come between"
    if sorted(listed) != sorted(spiders):
        return (
            f"the node lists the spiders {', '.join(listed) or 'none'}, the egg has {', '.join(spiders)}: something on"
            " the node shadows the egg, such as a pip-installed copy or a checkout in Scrapyd's folder"
        )
    return ""


def newer_than(versions: Versions, version: str) -> tuple[str, ...]:
    """Return what must go, newest first, before a node that only knows an order runs this version again."""
    return tuple(reversed(versions.order[versions.order.index(version) + 1 :]))
