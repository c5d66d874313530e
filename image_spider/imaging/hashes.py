"""Hashes by which equal and alike pictures are found: pixel_hash, phash_256, phash_64, dhash_64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import mmh3
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.facts import FileFacts
from image_spider.imaging.orientation import displayed
from image_spider.imaging.working_copy import WorkingCopy, eight_bit

SAME_BITS = 31
"""phash_256 distances up to this are the same picture: of unrelated photographs none is so near (docs/accuracy.md)."""
NEAR_BITS = 51
"""phash_256 distances up to this are a near-duplicate (docs/accuracy.md tells how surely)."""
MINIMUM_SIGNAL = 4.0
"""Least hash_signal, in luma levels, of a picture that gets perceptual hashes.

Of 880 real files, resized to half and recompressed, all below it (of 128 px and more) drifted by more than 31 bits of
phash_256, and none above it did.
"""
MINIMUM_SIDE = 32
"""Least shorter side, in pixels, of a picture that gets perceptual hashes: smaller ones are all alike or all drift."""
_BAND_PIXELS = 1 << 20
_PLENTY = 128
"""Shorter side of a preview, in pixels, that is squeezed instead of the luma: a third of the time, a bit apart."""
_LANCZOS = Image.Resampling.LANCZOS


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of one image, as lower-case hex; the perceptual ones are None where the picture says too little."""

    pixel_hash: str
    phash_256: str | None
    phash_64: str | None
    dhash_64: str | None


def measure_hashes(image: Image.Image, copy: WorkingCopy, facts: FileFacts) -> Hashes:
    """Hash one image; image is what the working copy was made from."""
    coarse, fine, strip = _squeezed(copy)
    spectrum = _spectrum(fine, 16)
    median = _median(spectrum)
    pixels = pixel_hash(image, facts)
    if min(facts.width, facts.height) < MINIMUM_SIDE or hash_signal(spectrum, median) < MINIMUM_SIGNAL:
        return Hashes(pixels, None, None, None)
    lowest = _spectrum(coarse, 8)
    return Hashes(pixels, _hex(spectrum > median), _hex(lowest > _median(lowest)), _dhash(strip))


def _squeezed(copy: WorkingCopy) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Return the luma of the picture squeezed to 32 x 32, 64 x 64 and 9 x 8."""
    if min(copy.preview.size) < _PLENTY or copy.preview_box == copy.luma_box:
        luma = Image.fromarray(copy.luma)
        coarse, fine, strip = (luma.resize(size, _LANCZOS, box=copy.luma_box) for size in ((32, 32), (64, 64), (9, 8)))
        return coarse, fine, strip
    fine = copy.preview.convert("L").resize((64, 64), Image.Resampling.BICUBIC, box=copy.preview_box)
    coarse = fine.reduce(2)
    return coarse, fine, coarse.resize((9, 8), _LANCZOS)


def pixel_hash(image: Image.Image, facts: FileFacts) -> str:
    """Return the MurmurHash3 (x64, 128 bits) of the decoded pixels as displayed, equal for all lossless re-encodings.

    Hashed are "width x height of the file / width x height as decoded", then the rows as 8-bit RGB, or RGBA
    if any pixel is not opaque. Gray and palettes become RGB, the colour of wholly transparent pixels is 0, and the
    EXIF orientation is applied, so none of these choices of an encoder counts. Weakness: a JPEG decoded at reduced
    scale (draft) equals its lossless variants (optimised, progressive, without metadata) but no PNG made of it; 16-bit
    pictures are compared by their upper 8 bits. Whoever wants to can make two pictures of one hash, as for perceptual
    hashes: it takes a quarter of the time of SHA-256 and guards nothing, bytes are known by their SHA-256.
    """
    plain = displayed(eight_bit(image), facts.orientation)
    size = (facts.height, facts.width) if facts.turned else (facts.width, facts.height)
    seed = mmh3.hash(f"{size[0]}x{size[1]}/{plain.width}x{plain.height}", signed=False)
    opaque = plain.mode != "RGBA" or plain.getchannel("A").getextrema() == (255, 255)
    rows = max(1, _BAND_PIXELS // plain.width)  # in bands, for a copy of a large picture would cost its size again
    if rows >= plain.height:
        return mmh3.mmh3_x64_128_digest(_canonical(plain, opaque=opaque).tobytes(), seed).hex()
    digest = mmh3.mmh3_x64_128(seed=seed)
    for top in range(0, plain.height, rows):
        band = plain.crop((0, top, plain.width, min(plain.height, top + rows)))
        digest.update(_canonical(band, opaque=opaque).tobytes())
    return digest.digest().hex()


def _canonical(image: Image.Image, *, opaque: bool) -> Image.Image:
    if opaque:
        return image if image.mode == "RGB" else image.convert("RGB")
    canvas = Image.new("RGBA", image.size, (0, 0, 0, 0))
    canvas.paste(image, mask=image.getchannel("A").point([0] + [255] * 255))
    return canvas


def distance(first: str, second: str) -> int:
    """Count the bits in which two hex hashes of equal length differ (Hamming distance)."""
    if len(first) != len(second):
        raise ValueError(f"hashes of {4 * len(first)} and {4 * len(second)} bits cannot be compared")
    return (int(first, 16) ^ int(second, 16)).bit_count()


def hash_signal(spectrum: NDArray[np.float64], median: float) -> float:
    """Tell how far the coefficients lie from their median, in luma levels: the median of the distances.

    A bit of the hash is which side of the median its coefficient lies on. Where the typical distance is within the
    noise of rounding, resizing and recompression, bits are drawn by lot: such a picture gets no hash.
    """
    return _median(np.abs(spectrum.ravel()[1:] - median))


def _median(values: NDArray[np.float64]) -> float:
    """Return the median, for few values a tenth of the time of NumPy's."""
    ordered = np.sort(values, axis=None)
    return float(ordered[(ordered.size - 1) // 2] + ordered[ordered.size // 2]) / 2


def _spectrum(squeezed: Image.Image, kept: int) -> NDArray[np.float64]:
    """Return the kept x kept lowest DCT-II coefficients of a square picture.

    A bit is set where its coefficient exceeds the median (Zauner 2010, as the ImageHash package does).
    """
    basis = _basis(squeezed.width, kept)
    low: NDArray[np.float64] = basis @ np.asarray(squeezed, dtype=np.float64) @ basis.T
    return low


@cache
def _basis(side: int, kept: int) -> NDArray[np.float64]:
    frequency = np.arange(kept)[:, None] * (2 * np.arange(side)[None, :] + 1)
    rows: NDArray[np.float64] = np.cos(np.pi * frequency / (2 * side)) * np.sqrt(2 / side)
    return rows


def _dhash(squeezed: Image.Image) -> str:
    """Set the bits whose 9 x 8 picture gets lighter to the right (Krawetz 2013, as ImageHash's dhash)."""
    tiny = np.asarray(squeezed)
    return _hex(tiny[:, 1:] > tiny[:, :-1])


def _hex(bits: NDArray[np.bool_]) -> str:
    return np.packbits(bits).tobytes().hex()
