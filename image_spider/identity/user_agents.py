"""Lists of browsers with their shares: the project's own, or a file of the user's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

from image_spider.exceptions import UsageError
from image_spider.identity.profiles import Profile, profile_of

HONEST, ROTATE = "honest", "rotate"
SHIPPED = "user_agents.json"
OLD_DAYS = 180  # browsers renew themselves every four weeks: by then hardly anybody has these versions
MOST_PROFILES = 1000  # a site that is new costs a hash of each
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,500}")  # what else a header held would end it, or be refused
_LINE = re.compile(r"(?:(\d+(?:\.\d+)?)\s+)?(.+)")


@dataclass(frozen=True, slots=True)
class UserAgents:
    """Profiles, and the day on which their shares were taken; None when nobody tells."""

    profiles: tuple[Profile, ...]
    taken: date | None = None

    def is_old(self, today: date | None = None) -> bool:
        """Tell whether a new list is due."""
        return self.taken is not None and ((today or datetime.now(UTC).date()) - self.taken).days > OLD_DAYS


def load_user_agents(value: str) -> UserAgents:
    """Return the list that a value of USER_AGENTS names; none for "honest". Raises UsageError for a bad file.

    A file is JSON of the form of user_agents.json when its name ends so, else text: a User-Agent per line, with its
    share before it or the same for all; # begins a comment.
    """
    if value == HONEST:
        return UserAgents(())
    try:
        if value == ROTATE:
            return _from_json(resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8"))
        text = Path(value).expanduser().read_text(encoding="utf-8")
        return _from_json(text) if value.endswith(".json") else UserAgents(_checked(_lines(text)))
    except (OSError, ValueError, TypeError, KeyError) as error:
        allowed = f"honest, rotate or a file of User-Agents ({' '.join(str(error).split())})"
        raise UsageError("USER_AGENTS", value, allowed) from error


def _from_json(text: str) -> UserAgents:
    held = json.loads(text)
    entries = ((str(entry["user_agent"]), float(entry["share"])) for entry in held["profiles"])
    return UserAgents(_checked(entries), date.fromisoformat(held["date"]))


def _lines(text: str) -> Iterator[tuple[str, float]]:
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#") and (found := _LINE.fullmatch(line)):
            yield found[2], float(found[1] or 1)


def _checked(entries: Iterator[tuple[str, float]]) -> tuple[Profile, ...]:
    profiles = []
    for user_agent, share in entries:
        if not _PRINTABLE.fullmatch(user_agent):
            raise ValueError(f"not printable ASCII, or longer than 500 characters: {user_agent[:60]!r}")
        if not 0 < share < math.inf:
            raise ValueError(f"no share above 0: {user_agent[:60]!r}")
        profiles.append(profile_of(user_agent, share))
    if not 0 < len(profiles) <= MOST_PROFILES:
        raise ValueError(f"it holds {len(profiles)} User-Agents; 1 to {MOST_PROFILES} are allowed")
    return tuple(profiles)
