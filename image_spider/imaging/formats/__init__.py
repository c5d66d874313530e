"""One reader per image format: `read(data, limit) -> Structure`, which raises Damaged and decodes no pixel."""

from __future__ import annotations

from collections.abc import Callable

from image_spider.imaging.formats import avif, bmp, gif, ico, jpeg, png, svg, tiff, webp
from image_spider.imaging.structure import Structure

READERS: dict[str, Callable[[bytes, int], Structure]] = {
    "avif": avif.read,
    "bmp": bmp.read,
    "gif": gif.read,
    "ico": ico.read,
    "jpeg": jpeg.read,
    "png": png.read,
    "svg": svg.read,
    "tiff": tiff.read,
    "webp": webp.read,
}
