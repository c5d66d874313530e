"""Which profile a site sees: the same one from every worker, without asking anybody. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from image_spider.identity.profiles import Profile

_PERSON = b"image_spider"  # keeps the numbers apart from those of other uses of the hash
_UNIT = 2.0**-64


def choose(profiles: Sequence[Profile], *, site: str, proxy: str) -> Profile:
    """Return the profile of a site and proxy ("" for none); raises ValueError when there are no profiles.

    Weighted rendezvous hashing (Thaler, Ravishankar 1998; with weights: Schindelhauer, Schomaker 2005): each profile
    has a number u in (0, 1) from a hash of itself, the site and the proxy, and the one with the least -ln(u) / share
    wins. So each wins in proportion to its share, and a list that is refreshed changes the faces of few sites: of those
    whose profile went, and of those that a new one wins.
    """
    # The hash of what all have in common is made once.
    common = hashlib.blake2b(f"{site}\n{proxy}\n".encode(), digest_size=8, person=_PERSON)

    def distance(profile: Profile) -> float:
        own = common.copy()
        own.update(profile.user_agent.encode())
        return -math.log((int.from_bytes(own.digest(), "big") + 0.5) * _UNIT) / profile.share

    return min(profiles, key=distance)
