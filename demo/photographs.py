"""The photographs of the demo site, one row for each published file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from demo.media import Media, encode, photograph, published

JPEG: dict[str, Any] = {"quality": 76}
PROGRESSIVE: dict[str, Any] = {"quality": 76, "progressive": True}
ORIENTATION_TAG = 0x0112  # EXIF: how the stored picture is turned for display


@dataclass(frozen=True, slots=True)
class Row:
    """One published photograph: where it stands, which source it shows and how large."""

    path: str
    source: str
    width: int
    height: int
    mode: str = "RGB"
    address: str = ""
    alternative: bool = False
    options: dict[str, Any] = field(default_factory=lambda: JPEG)


ROWS = (
    # index.html: the picture in every place of a page's head
    Row("/media/cover-sunset.jpg", "sunset-over-hills", 800, 420),
    Row("/media/cover-square.jpg", "sunset-over-hills", 600, 600),
    Row("/media/cover-meadow.jpg", "mountain-meadow", 512, 340),
    Row("/media/espresso-preload.jpg", "coffee", 300, 200),
    Row("/media/hero-path.jpg", "mountain-path", 960, 480, options=PROGRESSIVE),
    Row("/media/meadow-480.jpg", "mountain-meadow", 480, 320, alternative=True),
    Row("/media/meadow-960.jpg", "mountain-meadow", 960, 640, options=PROGRESSIVE),
    # gallery/
    Row("/media/forest-stream.jpg", "forest-stream", 720, 480, options=PROGRESSIVE),
    Row("/media/thumbs/dandelions.jpg", "dandelions", 160, 90),
    Row("/media/dandelions.jpg", "dandelions", 1024, 576),
    Row("/media/colour-banner.webp", "colour-sweep", 1024, 256, options={"quality": 70}),
    Row("/media/mountain-path-400.jpg", "mountain-path", 400, 300, alternative=True),
    Row("/media/mountain-path-640.webp", "mountain-path", 640, 480, alternative=True, options={"quality": 60}),
    Row("/media/mountain-path-640.avif", "mountain-path", 640, 480, alternative=True, options={"quality": 45}),
    Row("/media/mountain-path-1024.avif", "mountain-path", 1024, 768, options={"quality": 45}),
    Row("/media/cat,w_240,h_160.jpg", "cat", 240, 160, alternative=True),
    Row("/media/cat,w_450,h_300.jpg", "cat", 450, 300),
    Row("/media/cat.webp", "cat", 450, 300, options={"quality": 72}),
    Row("/media/astronaut.png", "astronaut", 256, 256, options={"optimize": True}),
    Row("/media/rocket.jpg", "rocket", 640, 427),
    Row("/media/deep-field.avif", "deep-field", 640, 558, options={"quality": 45}),
    Row("/media/gravel-gray.png", "gravel", 200, 200, "L", options={"optimize": True}),
    Row("/media/stream-scan.tif", "forest-stream", 240, 160, options={"compression": "tiff_lzw"}),
    # travel
    Row("/media/pavilion.jpg", "pavilion", 640, 427),
    Row("/media/pavilion-square.jpg", "pavilion", 400, 400),
    Row("/media/evening-backdrop.jpg", "sunset-over-hills", 640, 427),
    Row("/media/clip-poster.jpg", "forest-stream", 480, 270),
    Row("/media/summer palace.jpg", "pavilion", 480, 320),
    # blog/
    Row("/media/lazy/brushes.jpg", "paint-brushes", 600, 472),
    Row("/media/lazy/dahlia.jpg", "dahlia", 480, 320),
    Row("/media/lazy/cameraman.jpg", "cameraman", 512, 512, "L"),
    Row("/media/lazy/fig-320.jpg", "fig-in-a-bowl", 320, 216, alternative=True),
    Row("/media/lazy/fig-800.jpg", "fig-in-a-bowl", 800, 540),
    Row("/media/noscript-gravel.jpg", "gravel", 300, 300, "L"),
    Row("/media/coffee.jpg", "coffee", 600, 400),
    Row("/media/amp-dawn.jpg", "sunset-over-hills", 480, 320),
    Row("/media/archive/drum.jpg", "drum-and-wine", 480, 720),
    Row("/media/latest.jpg", "dandelions", 512, 288, address="/go/latest-photo"),
    # shop/
    Row("/media/shop/bowl-top.jpg", "fig-in-a-bowl", 500, 338),
    Row("/media/shop/bowl-square.jpg", "fig-in-a-bowl", 400, 400),
    Row("/media/shop/bowl-print.jpg", "fig-in-a-bowl", 480, 325, "CMYK"),
    # pages with a history
    Row("/media/ru-dandelion.jpg", "dandelions", 400, 225),
    Row("/media/messy-coffee.jpg", "coffee", 300, 300),
    Row("/media/messy-rocket.jpg", "rocket", 320, 480),
    Row("/media/dahlia.jpg", "dahlia", 320, 213, address="/media/dahlia.jpg?crop=no&size=large"),
    Row("/media/nul-brushes.jpg", "paint-brushes", 320, 252),
    Row("/media/hidden-cameraman.jpg", "cameraman", 256, 256, "L"),
    Row("/private/team.jpg", "astronaut", 160, 160),
)


def photographs() -> list[Media]:
    """Return every published photograph, the turned, spoilt and repeated ones last."""
    plain = [
        published(
            row.path,
            photograph(row.source, (row.width, row.height), row.mode),
            address=row.address,
            alternative=row.alternative,
            **row.options,
        )
        for row in ROWS
    ]
    coffee = next(media for media in plain if media.path == "/media/coffee.jpg")
    return [*plain, replace(coffee, path="/media/shop/espresso-cup.jpg"), _turned(), *_spoilt()]


def _turned() -> Media:
    """A portrait that is stored lying down and carries EXIF orientation 6: turn it clockwise to see it."""
    upright = photograph("dogs-at-the-window", (480, 720))
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    body = encode(stored, "jpg", quality=76, exif=exif)
    return Media("/media/dogs-at-the-window.jpg", body, "jpeg", upright.width, upright.height)


def _spoilt() -> list[Media]:
    """Whole files with a poor picture in them, for the quality scores."""
    meadow = photograph("mountain-meadow", (480, 320))
    dark = ImageOps.autocontrast(meadow.convert("L")).point(lambda value: value // 9)
    upscaled = meadow.resize((48, 32)).resize(meadow.size, Image.Resampling.BICUBIC)
    return [
        published("/media/mistakes/blurred.jpg", meadow.filter(ImageFilter.GaussianBlur(6)), **JPEG),
        published("/media/mistakes/dark.jpg", dark, **JPEG),
        published("/media/mistakes/upscaled.jpg", upscaled, **JPEG),
        published("/media/mistakes/compressed.jpg", meadow, quality=4),
        published("/media/mistakes/lens-cap.png", Image.new("RGB", meadow.size, "#101010")),
    ]
