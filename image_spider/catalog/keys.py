"""Row keys that are computed, so that writing the same thing twice is writing it once."""

from __future__ import annotations

import hashlib


def key(*parts: str) -> str:
    """Return 128 bits, as 32 hex digits, that stand for these parts in this order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
