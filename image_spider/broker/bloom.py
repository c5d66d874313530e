"""The sizes of a Bloom filter that grows in layers; the bits are set in lua/filter.lua."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

FIRST_BITS = 2**16  # 8 KiB: a crawl of a few pages costs no more
LARGEST_BITS = 2**29  # 64 MiB
LAYERS = 32  # more than a Redis holds: about 300 million keys at 1e-4


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its size, the bits that a key sets, and the keys it holds at its share of the error rate."""

    bits: int
    hashes: int
    capacity: int

    def error(self, count: int) -> float:
        """Estimate the rate of false positives with `count` keys: (1 - e^(-kn/m))^k (Bloom 1970)."""
        return float((1 - math.exp(-self.hashes * count / self.bits)) ** self.hashes)


def layers(error_rate: float) -> Iterator[Layer]:
    """Give the layers of a filter whose whole stays under an error rate; none for 0, the exact set.

    Layer i may err at error_rate / 2^(i+1), so that the sum stays below (Almeida, Baquero, Preguiça, Hutchison 2007,
    "Scalable Bloom Filters"); its size is four times the last one's, up to 64 MiB. k = log2(1/p), n = m ln(2)^2 / ln(1/p).
    """
    bits = FIRST_BITS
    for number in range(LAYERS if error_rate else 0):
        error = error_rate / 2 ** (number + 1)
        yield Layer(bits, math.ceil(-math.log2(error)), int(bits * math.log(2) ** 2 / -math.log(error)))
        bits = min(4 * bits, LARGEST_BITS)
