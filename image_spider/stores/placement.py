"""Which of several volumes a file belongs on: the same for every worker, without asking anybody. Pure."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

_PERSON = b"image_volumes"  # keeps the numbers apart from those of other uses of the hash
_UNIT = 2.0**-64


def by_preference(path: str, volumes: Mapping[str, float]) -> list[str]:
    """Return the labels of the volumes, given with their weights, in the order in which a file prefers them.

    Weighted rendezvous hashing (Thaler, Ravishankar 1998; with weights: Schindelhauer, Schomaker 2005): each volume
    has a number u in (0, 1) from a hash of its label and the file, and the least -ln(u) / weight comes first. So each
    has a share of the files in proportion to its weight; a volume that is added takes its share, and nothing moves
    between the others; one that goes leaves its files to the others in proportion. An image and its thumbnail
    belong together.
    """
    stem = path.rpartition("/")[2].partition(".")[0]
    common = hashlib.blake2b(f"{stem}\n".encode(), digest_size=8, person=_PERSON)

    def distance(label: str) -> float:
        own = common.copy()
        own.update(label.encode("utf-8", "surrogateescape"))
        return -math.log((int.from_bytes(own.digest(), "big") + 0.5) * _UNIT) / volumes[label]

    return sorted(volumes, key=distance)
