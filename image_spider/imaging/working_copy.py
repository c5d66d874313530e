"""WorkingCopy: the small decoded pictures that every feature and hash of one image and its thumbnail share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.facts import FileFacts
from image_spider.imaging.orientation import displayed

USUAL_SIDE = 448
"""What the longer side of luma comes nearest to, in pixels."""
PREVIEW_SIDE = 320
"""Longer side of the preview at most."""
WINDOW_SIDE = 384
"""Side of the native window at most."""

Box = tuple[float, float, float, float]

_DRAFT_SIDE = 768
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_VISIBLE = [0] * 128 + [255] * 128  # of alpha
_LIGHT = 230  # visible pixels that are all lighter than this would vanish on white
_RANGES = (1.0, 255.0, 65535.0)
_LARGEST_FLOAT = 1e30  # the difference of two of these is still a 32-bit float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopy:
    """One picture as displayed, opaque, in the sizes that the features need; luma is ITU-R 601, 0..255.

    luma [h, w] is the whole picture, reduced by a whole number, so that its longer side lies between 317 and 634 px (or
    below, where the picture's does), and histogram its 256 counts. preview is the same once more reduced, to at most
    320 px: the thumbnail, and enough for colour. luma_box and preview_box (left, upper, right, lower) are where the
    picture lies in them: pixels are left over where the factor does not divide a side. window_luma [h, w] and
    window_rgbx [h, w] (the bytes R, G, B and a fourth without meaning, as one number) are the central 384 x 384 (or
    less) decoded pixels without resampling: traces that resampling destroys are looked for there. native tells whether
    decoded pixels are the file's own, that is, no reduced (draft) decoding took place. transparent_share counts pixels
    of alpha < 128.
    """

    luma: NDArray[np.uint8]
    luma_box: Box
    histogram: NDArray[np.int64]
    preview: Image.Image
    preview_box: Box
    window_luma: NDArray[np.uint8]
    window_rgbx: NDArray[np.uint32]
    native: bool
    transparent_share: float


def make_working_copy(image: Image.Image, facts: FileFacts) -> WorkingCopy:
    """Reduce a decoded image to its working copy.

    image is the first frame, decoded at full size or at least 512 px on its longer side, not yet turned by its EXIF
    orientation: facts.orientation is applied here, on the small copies, where it is cheap. Whole numbers of pixels are
    averaged, which takes a fifth of the time of any filter and leaves edges as steep as they are.
    """
    opaque, transparent_share = flattened(eight_bit(image))
    factor = _factor(max(opaque.size))
    small = displayed(_reduced(opaque, factor), facts.orientation)
    further = -(-max(small.size) // PREVIEW_SIDE)
    preview = _reduced(small, further)
    luma = small.convert("L")
    window = displayed(opaque.crop(_central_box(opaque.size)), facts.orientation)
    rgbx = (window if window.mode == "RGB" else window.convert("RGB")).tobytes("raw", "RGBX")
    return WorkingCopy(
        luma=np.asarray(luma),
        luma_box=_covered(luma.size, opaque.size, factor, facts),
        histogram=np.array(luma.histogram(), dtype=np.int64),
        preview=preview,
        preview_box=_covered(preview.size, opaque.size, factor * further, facts),
        window_luma=np.asarray(window.convert("L")),
        window_rgbx=np.frombuffer(rgbx, dtype="<u4").reshape(window.height, window.width),
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
    """Return the image as L, RGB or RGBA with 8 bits per channel; the same object when it is so already.

    16-bit gray keeps its upper byte (65535 -> 255); 32-bit integers and floats are scaled by their range. Palettes,
    CMYK, LAB and YCbCr become RGB, all that has transparency RGBA.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scaled(np.array(image, dtype=np.float32)))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


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


def _scaled(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale numbers without a fixed range, in place, to 0..255.

    The range begins at 0 (or the least number below) and ends at the first of 1, 255, 65535 and the largest number that
    holds them all: an empty picture stays black, and one of 0..1 or 0..255 keeps its brightness.
    """
    np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.clip(values, -_LARGEST_FLOAT, _LARGEST_FLOAT, out=values)
    low, high = min(0.0, float(values.min())), float(values.max())
    high = next((bound for bound in _RANGES if high <= bound), high)
    values -= low
    values *= 255.0 / (high - low)
    return values.astype(np.uint8)


def _factor(side: int) -> int:
    """Return the whole number that brings a longer side nearest to USUAL_SIDE, in proportion."""
    least = max(1, side // USUAL_SIDE)
    return least if side * side <= USUAL_SIDE * USUAL_SIDE * least * (least + 1) else least + 1


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    return image if factor == 1 else image.reduce(factor)


def _covered(size: tuple[int, int], decoded: tuple[int, int], factor: int, facts: FileFacts) -> Box:
    """Return where a picture, reduced by factor from its decoded size and turned, lies in its reduced size."""
    width, height = (side / factor for side in (decoded[::-1] if facts.turned else decoded))
    left = size[0] - width if facts.orientation in (2, 3, 6, 7) else 0.0
    top = size[1] - height if facts.orientation in (3, 4, 7, 8) else 0.0
    return left, top, left + width, top + height


def _central_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    # A multiple of 8 keeps the window on the grid of the JPEG blocks.
    left = max(0, (width - WINDOW_SIDE) // 2) // 8 * 8
    top = max(0, (height - WINDOW_SIDE) // 2) // 8 * 8
    return left, top, min(width, left + WINDOW_SIDE), min(height, top + WINDOW_SIDE)
