"""WorkingCopy: the small decoded picture that every feature and hash of one image shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.facts import FileFacts
from image_spider.imaging.thumbnail import LARGEST_FLOAT, displayed

MAXIMUM_SIDE = 512
"""Longer side of the working copy, and side of the native window, in pixels."""

_DRAFT_SIDE = 768
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_VISIBLE = [0] * 128 + [255] * 128  # of alpha
_LIGHT = 230  # visible pixels that are all lighter than this would vanish on white


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopy:
    """One picture as displayed, in the sizes that the features need; luma is ITU-R 601, 0..255.

    luma [h, w] is the whole picture at 512 px or less on the longer side; gray is the same as float32, histogram its
    256 counts. rgb [h, w, 3] is a grid of the picture's pixels, 256 to 511 on the longer side: colour needs no more.
    window_luma and window_rgb are the central 512 x 512 (or less) decoded pixels without resampling: traces that
    resampling destroys are looked for there. native tells whether decoded pixels are the file's own, that is, no
    reduced (draft) decoding took place. transparent_share counts pixels of alpha < 128.
    """

    luma: NDArray[np.uint8]
    gray: NDArray[np.float32]
    histogram: NDArray[np.int64]
    rgb: NDArray[np.uint8]
    window_luma: NDArray[np.uint8]
    window_rgb: NDArray[np.uint8]
    native: bool
    transparent_share: float


def make_working_copy(image: Image.Image, facts: FileFacts) -> WorkingCopy:
    """Reduce a decoded image to its working copy.

    image is the first frame, decoded at full size or at least 512 px on its longer side, not yet turned by its EXIF
    orientation: facts.orientation is applied here, on the small copies, where it is cheap. Luma is taken before the
    picture is made smaller, as perceptual hashes elsewhere do.
    """
    opaque, transparent_share = flattened(eight_bit(image))
    gray = opaque.convert("L")
    central = _central_box(opaque.size)
    small, colours = gray, opaque
    if max(opaque.size) > MAXIMUM_SIDE:
        scale = MAXIMUM_SIDE / max(opaque.size)
        size = (max(1, round(opaque.width * scale)), max(1, round(opaque.height * scale)))
        small = small.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
        step = max(opaque.size) // 256
        colours = opaque.resize((-(-opaque.width // step), -(-opaque.height // step)), Image.Resampling.NEAREST)
    luma = _pixels(small, facts)
    return WorkingCopy(
        luma=luma,
        gray=luma.astype(np.float32),
        histogram=np.array(small.histogram(), dtype=np.int64),
        rgb=_pixels(colours.convert("RGB"), facts),
        window_luma=_pixels(gray.crop(central), facts),
        window_rgb=_pixels(opaque.crop(central).convert("RGB"), facts),
        native=image.size == (facts.width, facts.height),
        transparent_share=transparent_share,
    )


def draft_size(width: int, height: int) -> tuple[int, int]:
    """Return the size to ask of `Image.draft()`: 768 px on the longer side, so that decoding is reduced from 1536 px.

    Half of 1024 px would be enough for a working copy; but enlargement and blocks are seen only in native pixels, and
    pictures of about 1024 px are both common and cheap to decode. `draft()` wants the proportions kept.
    """
    scale = min(1.0, _DRAFT_SIDE / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def eight_bit(image: Image.Image) -> Image.Image:
    """Return the image as L, RGB or RGBA with 8 bits per channel.

    16-bit gray keeps its upper byte (65535 -> 255); 32-bit integers and floats are scaled by their own range unless
    they already lie in 0..255. Palettes, CMYK, LAB and YCbCr become RGB, palettes with transparency RGBA.
    """
    if image.mode in ("L", "RGB", "RGBA"):
        if "transparency" in image.info:
            return image.convert("RGBA")
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scaled(np.asarray(image, dtype=np.float32)))
    if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def flattened(image: Image.Image) -> tuple[Image.Image, float]:
    """Lay an L, RGB or RGBA image on an opaque ground; return it with the transparent share.

    The ground is white, as a web page usually is, so that a picture and its flattened copy agree. Only where every
    visible pixel is nearly white itself (a white logo) is it black: on white nothing would be left to look at.
    """
    if image.mode != "RGBA":
        return image, 0.0
    alpha = image.getchannel("A")
    visible = alpha.point(_VISIBLE)
    transparent = visible.histogram()[0] / (image.width * image.height)
    if transparent == 0.0 and alpha.getextrema() == (255, 255):
        return image.convert("RGB"), 0.0
    darker = sum(image.convert("L").histogram(visible)[:_LIGHT])
    ground = _BLACK if darker == 0 and 0.0 < transparent < 1.0 else _WHITE
    canvas = Image.new("RGB", image.size, ground)
    canvas.paste(image, mask=alpha)
    return canvas, transparent


def _pixels(image: Image.Image, facts: FileFacts) -> NDArray[np.uint8]:
    return np.ascontiguousarray(displayed(image, facts.orientation))


def _scaled(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    values = np.clip(values, -LARGEST_FLOAT, LARGEST_FLOAT)
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high > 255.0 and high <= 65535.0:
        low, high = 0.0, 65535.0
    elif low >= 0.0 and high <= 255.0:
        low, high = 0.0, 255.0
    return ((values - low) * (255.0 / max(high - low, 1e-6))).astype(np.uint8)


def _central_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    # A multiple of 8 keeps the window on the grid of the JPEG blocks.
    left = max(0, (width - MAXIMUM_SIDE) // 2) // 8 * 8
    top = max(0, (height - MAXIMUM_SIDE) // 2) // 8 * 8
    return left, top, min(width, left + MAXIMUM_SIDE), min(height, top + MAXIMUM_SIDE)
