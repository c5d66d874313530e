"""Pure: what the node's environment passes on to the processes that it starts."""

from __future__ import annotations

from collections.abc import Mapping

CREDENTIALS = frozenset(("SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"))  # of the node: no crawl's log is to show them


def without_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy without the node's own user and password."""
    return {name: value for name, value in environment.items() if name not in CREDENTIALS}
