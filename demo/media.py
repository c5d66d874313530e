"""One file that the demo site publishes, and how a source picture becomes one."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageOps

SOURCES = Path(__file__).parent / "sources"
FORMATS = {"jpg": "jpeg", "tif": "tiff", "jp2": "jpeg2000"}  # the format where it is not the file's extension


@dataclass(frozen=True, slots=True)
class Media:
    """A picture that a crawler must keep, with what is true of it.

    path is the file below the site ("" when it has none, as a data: URI). address is the URL as a page writes it,
    where that is not simply the path: a redirect, a query, a data: URI. width and height are pixels as displayed.
    An alternative is a smaller size or another format of a picture: published, but not to be fetched.
    """

    path: str
    body: bytes
    format: str
    width: int
    height: int
    frames: int = 1
    integrity: str = "ok"
    address: str = ""
    alternative: bool = False

    @property
    def url(self) -> str:
        """The key of this picture in expected.json."""
        return self.address or quote(self.path, safe="/,@")

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the bytes."""
        return hashlib.sha256(self.body).hexdigest()


def source(name: str) -> bytes:
    """Return the bytes of a file in sources/."""
    return (SOURCES / name).read_bytes()


def photograph(name: str, size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Return the source photograph, cut at its centre and scaled to fill size."""
    with Image.open(SOURCES / f"{name}.jpg") as picture:
        return ImageOps.fit(picture.convert(mode), size, Image.Resampling.LANCZOS)


def encode(picture: Image.Image, suffix: str, **options: Any) -> bytes:
    """Return the file that Pillow writes for this suffix."""
    output = io.BytesIO()
    picture.save(output, FORMATS.get(suffix, suffix), **options)
    return output.getvalue()


def published(
    path: str, picture: Image.Image, *, address: str = "", alternative: bool = False, **options: Any
) -> Media:
    """Encode a still picture for the suffix of its path; options go to Pillow's encoder."""
    suffix = path.rpartition(".")[2]
    return Media(
        path=path,
        body=encode(picture, suffix, **options),
        format=FORMATS.get(suffix, suffix),
        width=picture.width,
        height=picture.height,
        address=address,
        alternative=alternative,
    )
