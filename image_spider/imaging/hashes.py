"""Hashes by which equal and alike pictures are found: pixel_hash, phash_256, phash_64, dhash_64."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.facts import FileFacts
from image_spider.imaging.thumbnail import displayed
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """The hashes of one image, as lower-case hex; the perceptual ones are None where the picture says too little."""

    pixel_hash: str
    phash_256: str | None
    phash_64: str | None
    dhash_64: str | None


def measure_hashes(image: Image.Image, copy: WorkingCopy, facts: FileFacts) -> Hashes:
    """Hash one image; image is what the working copy was made from."""
    luma = Image.fromarray(copy.luma)
    coarse, fine = _spectrum(luma, 32, 8), _spectrum(luma, 64, 16)
    telling = min(facts.width, facts.height) >= MINIMUM_SIDE and hash_signal(fine) >= MINIMUM_SIGNAL
    return Hashes(
        pixel_hash=pixel_hash(image, facts),
        phash_256=_hex(_above_median(fine)) if telling else None,
        phash_64=_hex(_above_median(coarse)) if telling else None,
        dhash_64=_dhash(luma) if telling else None,
    )


def pixel_hash(image: Image.Image, facts: FileFacts) -> str:
    """Return the SHA-256 of the decoded pixels as displayed: equal for every lossless re-encoding of a picture.

    Hashed are "width x height of the file / width x height as decoded", then the rows as 8-bit RGB, or RGBA
    if any pixel is not opaque. Gray and palettes become RGB, the colour of wholly transparent pixels is 0, and the
    EXIF orientation is applied, so none of these choices of an encoder counts. Weakness: a JPEG decoded at reduced
    scale (draft) equals its lossless variants (optimised, progressive, without metadata) but no PNG made of it; 16-bit
    pictures are compared by their upper 8 bits.
    """
    plain = displayed(eight_bit(image), facts.orientation)
    size = (facts.height, facts.width) if facts.turned else (facts.width, facts.height)
    digest = hashlib.sha256(f"{size[0]}x{size[1]}/{plain.width}x{plain.height}".encode())
    opaque = plain.mode != "RGBA" or plain.getchannel("A").getextrema() == (255, 255)
    rows = max(1, _BAND_PIXELS // plain.width)  # in bands, for a copy of a large picture would cost its size again
    for top in range(0, plain.height, rows):
        band = plain if rows >= plain.height else plain.crop((0, top, plain.width, min(plain.height, top + rows)))
        digest.update(_canonical(band, opaque=opaque).tobytes())
    return digest.hexdigest()


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


def hash_signal(spectrum: NDArray[np.float64]) -> float:
    """Tell how far the coefficients lie from their median, in luma levels: the median of the distances.

    A bit of the hash is which side of the median its coefficient lies on. Where the typical distance is within the
    noise of rounding, resizing and recompression, bits are drawn by lot: such a picture gets no hash.
    """
    flat = spectrum.ravel()[1:]
    return float(np.median(np.abs(flat - np.median(spectrum))))


def _squeezed(luma: Image.Image, width: int, height: int) -> Image.Image:
    """Shrink with Lanczos, from half the size where there is plenty: three times as fast, and a bit or two apart."""
    if min(luma.size) < 4 * width:
        return luma.resize((width, height), Image.Resampling.LANCZOS)
    half = luma.reduce(2)
    whole = (0, 0, luma.width / 2, luma.height / 2)  # an odd side leaves half a pixel over
    return half.resize((width, height), Image.Resampling.LANCZOS, box=whole)


def _spectrum(luma: Image.Image, side: int, kept: int) -> NDArray[np.float64]:
    """Return the kept x kept lowest DCT-II coefficients of the picture squeezed to side x side (Lanczos)."""
    tiny = np.asarray(_squeezed(luma, side, side), dtype=np.float64)
    basis = _basis(side, kept)
    low: NDArray[np.float64] = basis @ tiny @ basis.T
    return low


@cache
def _basis(side: int, kept: int) -> NDArray[np.float64]:
    frequency = np.arange(kept)[:, None] * (2 * np.arange(side)[None, :] + 1)
    rows: NDArray[np.float64] = np.cos(np.pi * frequency / (2 * side)) * np.sqrt(2 / side)
    return rows


def _above_median(spectrum: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Set the bits whose coefficient exceeds the median (Zauner 2010, as the ImageHash package does)."""
    bits: NDArray[np.bool_] = spectrum > np.median(spectrum)
    return bits


def _dhash(luma: Image.Image) -> str:
    """Set the bits whose 9 x 8 thumbnail gets lighter to the right (Krawetz 2013, as ImageHash's dhash)."""
    tiny = np.asarray(_squeezed(luma, 9, 8))
    return _hex(tiny[:, 1:] > tiny[:, :-1])


def _hex(bits: NDArray[np.bool_]) -> str:
    return np.packbits(bits.ravel()).tobytes().hex()
