"""The sizes of a Bloom filter that grows in layers; the bits are set in lua/filter.lua."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

FIRST_BITS = 2**16  # 8 KiB: a crawl of a few pages costs no more
LARGEST_BITS = 2**29  # 64 MiB
BLOCK_BITS = 2**13  # as in lua/filter.lua
LAYERS = 32  # more than a Redis holds: about 300 million keys at 1e-4


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its size, the bits that a key sets, and the keys it holds at its share of the error rate."""

    bits: int
    hashes: int
    capacity: int

    def error(self, count: int) -> float:
        """Estimate the rate of false positives with `count` keys.

        (1 - e^(-kn/m))^k (Bloom 1970), times what the uneven fill of the blocks adds.
        """
        if not count:
            return 0.0
        fill = 1 - math.exp(-self.hashes * count / self.bits)
        return min(1.0, float(fill**self.hashes) * _uneven(self.bits, self.hashes, count))


def layers(error_rate: float) -> Iterator[Layer]:
    """Give the layers of a filter whose whole stays under an error rate; none for 0, the exact set.

    Layer i may err at error_rate / 2^(i+1), so that the sum stays below (Almeida, Baquero, Preguiça, Hutchison 2007,
    "Scalable Bloom Filters"); its size is four times the last one's, up to 64 MiB.
    """
    bits = FIRST_BITS
    for number in range(LAYERS if error_rate else 0):
        error = error_rate / 2 ** (number + 1)
        hashes = math.ceil(-math.log2(error))
        count = _keys(bits, error)
        while Layer(bits, hashes, count).error(count) > error:
            count = int(count * 0.998)
        yield Layer(bits, hashes, count)
        bits = min(4 * bits, LARGEST_BITS)


def _keys(bits: int, error: float) -> int:
    """Return n = m ln(2)^2 / ln(1/p), the keys that m bits hold at an error of p."""
    return int(bits * math.log(2) ** 2 / -math.log(error))


def _uneven(bits: int, hashes: int, count: int) -> float:
    """Return how much more often a filter errs whose blocks hold a Poisson number of keys, not all the same.

    Near half fill the error grows as n^(k ln 2), and the mean of a log-normal is e^(s^2/2) times its median.
    """
    spread = hashes * math.log(2) / math.sqrt(max(1.0, count * BLOCK_BITS / bits))
    return math.exp(min(50.0, spread**2 / 2))
