"""Hashes of a million pictures, as skewed as those of real ones: of random windows into real photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SOURCES = Path(__file__).parent.parent / "demo/sources"
SIDE = 32  # cells on a side of the thumbnail that the DCT sees
SMALLEST, LARGEST = 64, 0.9  # side of a window: in pixels, and as a share of the photograph's
MINIMUM_SIGNAL = 2.0  # luma levels: with less, a picture gets no hash
WINDOWS = 4096  # at a time: 32 MB of thumbnails


@dataclass(frozen=True, slots=True, kw_only=True)
class RealLikeHashes:
    """The hashes of n pictures as 64-bit words: phash_64 [n], dhash_64 [n], phash_256 [n, 4]."""

    phash_64: NDArray[np.uint64]
    dhash_64: NDArray[np.uint64]
    phash_256: NDArray[np.uint64]


def real_like_hashes(number: int, *, seed: int) -> RealLikeHashes:
    """Hash `number` random windows into the photographs of the demo site.

    Bits of real hashes are neither independent nor even: skies are light above, gradients run through whole rows.
    Uniform random hashes hide that, and with it the long index ranges that make a look-up slow. Natural pictures have
    the same statistics at every scale (Field 1987), so a window of 64 pixels to 90 % of a side (log-uniform, mirrored
    and turned at random) is a picture of its own kind. Windows of low information are left out, as the crawler does.
    Weaknesses: windows that overlap are crops of each other, so there are more close neighbours than on the web;
    cells are plain means, where the crawler resizes by Lanczos.
    """
    random = np.random.default_rng(seed)
    photographs = [_integral(path) for path in sorted(SOURCES.glob("*.jpg"))]
    chunks: list[RealLikeHashes] = []
    found = 0
    while found < number:
        photograph = photographs[len(chunks) % len(photographs)]
        chunks.append(_hash_windows(photograph if random.random() < 0.5 else photograph.T, random))
        found += len(chunks[-1].dhash_64)
    order = random.permutation(found)[:number]  # pages of one site stand together, but not a million of them
    return RealLikeHashes(
        phash_64=np.concatenate([chunk.phash_64 for chunk in chunks])[order],
        dhash_64=np.concatenate([chunk.dhash_64 for chunk in chunks])[order],
        phash_256=np.concatenate([chunk.phash_256 for chunk in chunks])[order],
    )


def _integral(path: Path) -> NDArray[np.float64]:
    """Return the sums of luma above and left of each corner of a pixel, from which any mean takes four look-ups."""
    with Image.open(path) as image:
        luma = np.asarray(image.convert("L"), dtype=np.float64)
    return np.pad(luma.cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _hash_windows(integral: NDArray[np.float64], random: np.random.Generator) -> RealLikeHashes:
    spans = [_spans(side - 1, random) for side in integral.shape]
    spectrum = _low_frequencies(_cells(integral, spans, (SIDE, SIDE)))
    coarse = spectrum[:, :8, :8].reshape(WINDOWS, 64)
    fine = spectrum.reshape(WINDOWS, 256)
    median = np.median(fine, axis=1, keepdims=True)
    telling = np.median(np.abs(fine[:, 1:] - median), axis=1) >= MINIMUM_SIGNAL
    cells = _cells(integral, spans, (8, 9))
    lighter = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(WINDOWS, 64)
    return RealLikeHashes(
        phash_64=_words(coarse > np.median(coarse, axis=1, keepdims=True))[telling, 0],
        dhash_64=_words(lighter)[telling, 0],
        phash_256=_words(fine > median)[telling],
    )


def _spans(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return [windows, 2] first and last coordinates along one axis; half of them run backwards: mirrored."""
    lengths = np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST * side), WINDOWS))
    starts = random.uniform(0, side - lengths)
    spans = np.stack([starts, starts + lengths], axis=1)
    mirrored = random.random(WINDOWS) < 0.5
    spans[mirrored] = spans[mirrored, ::-1]
    return spans


def _cells(
    integral: NDArray[np.float64], spans: list[NDArray[np.float64]], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return [windows, rows, columns] means of the cells that each window is cut into."""
    rows, columns = (
        np.rint(span[:, :1] + (span[:, 1:] - span[:, :1]) * np.linspace(0, 1, count + 1)).astype(np.intp)
        for span, count in zip(spans, shape, strict=True)
    )
    sums = np.diff(np.diff(integral[rows[:, :, None], columns[:, None, :]], axis=1), axis=2)
    areas = np.diff(rows, axis=1)[:, :, None] * np.diff(columns, axis=1)[:, None, :]
    means: NDArray[np.float32] = (sums / areas).astype(np.float32)
    return means


def _low_frequencies(tiny: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 16 x 16 lowest DCT-II coefficients of each picture."""
    frequency = np.arange(16)[:, None] * (2 * np.arange(SIDE)[None, :] + 1)
    basis = (np.cos(np.pi * frequency / (2 * SIDE)) * np.sqrt(2 / SIDE)).astype(np.float32)
    low: NDArray[np.float32] = basis @ tiny @ basis.T
    return low


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack [n, bits] into [n, bits / 64] words, the first bit the highest, as the hex digits have it."""
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)
