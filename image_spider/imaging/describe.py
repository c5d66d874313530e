"""What the bytes of one candidate are: format, size, classes, integrity, what its pixels tell, and a thumbnail.

Pure and safe to call from any number of threads. The bytes may be hostile.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.analysis import SCORES_VERSION, analyse
from image_spider.imaging.classes import shape, size_class
from image_spider.imaging.decode import decode, pixel_limit
from image_spider.imaging.facts import FileFacts
from image_spider.imaging.formats import READERS
from image_spider.imaging.integrity import (
    BOMB,
    CORRUPT,
    EMPTY,
    KEPT,
    NOT_AN_IMAGE,
    OK,
    TRAILING_BYTES,
    TRUNCATED,
    TYPE_MISMATCH,
    UNSUPPORTED,
    Damaged,
)
from image_spider.imaging.media_types import declared_format, media_type
from image_spider.imaging.model_input import model_input
from image_spider.imaging.signature import UNSUPPORTED_IMAGES, extension, sniff
from image_spider.imaging.structure import Structure
from image_spider.imaging.thumbnail import thumbnail
from image_spider.imaging.working_copy import WorkingCopy, eight_bit, make_working_copy
from image_spider.items import Understanding

__all__ = ["KEPT", "Description", "describe"]
DETAIL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of one file.

    integrity is one of `integrity.ALL`; the image is kept when it is in KEPT. detail is one line for
    people, empty when all is well. format is "" when the bytes are no image. width and height are pixels as
    displayed (EXIF orientations 5 to 8 swap them); of a file that is not kept they are 0, and the classes "".
    thumbnail is JPEG, understanding what the pixels tell; both are None for an SVG and for a file that is not kept.
    understanding is None too when measuring failed, which costs no image; detail then tells why. sha256 is that of the
    bytes of a file that is kept. label_input [side, side, 3] is what a label model takes, when that was asked for.
    """

    format: str
    extension: str
    integrity: str
    detail: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    orientation: int = 1
    size_class: str = ""
    shape: str = ""
    sha256: str = ""
    thumbnail: bytes | None = None
    understanding: Understanding | None = None
    label_input: NDArray[np.uint8] | None = field(default=None, compare=False)


def describe(data: bytes, *, content_type: str = "", max_pixels: int, label_side: int | None = None) -> Description:
    """Describe the bytes that a server sent with a Content-Type; never raises.

    An image of more than max_pixels (or than Pillow's own limit, if that is smaller) is a bomb and not decoded.
    label_side asks for the input of a label model, a square of so many pixels.
    """
    kind = ""
    try:
        kind = sniff(data)
        return _describe(data, kind, content_type=content_type, max_pixels=max_pixels, label_side=label_side)
    except Damaged as damage:
        integrity, detail = damage.integrity, damage.detail
    except (struct.error, IndexError) as error:  # the readers look for bytes that are not there
        integrity, detail = TRUNCATED, f"the data ends inside the header ({error})"
    except MemoryError:
        integrity, detail = BOMB, "decoding it takes more memory than allowed"
    except Exception as error:  # noqa: BLE001 - a file that breaks a decoder in an unknown way must not stop a crawl
        integrity, detail = CORRUPT, _reason(error)
    image_format = kind if kind in READERS or kind in UNSUPPORTED_IMAGES else ""
    return Description(image_format, extension(image_format), integrity, _one_line(detail))


def _describe(data: bytes, kind: str, *, content_type: str, max_pixels: int, label_side: int | None) -> Description:
    if not data:
        raise Damaged(EMPTY, "there are no bytes")
    if kind in UNSUPPORTED_IMAGES:
        raise Damaged(UNSUPPORTED, f"{kind} images are not decoded")
    if kind not in READERS:
        declared = media_type(content_type)
        raise Damaged(NOT_AN_IMAGE, f"the content is {kind}" + (f", declared as {declared}" if declared else ""))
    limit = pixel_limit(max_pixels)
    structure = READERS[kind](data, limit)
    integrity, detail = _classify(structure, kind, content_type)
    width, height = structure.width, structure.height
    if structure.orientation >= 5:
        width, height = height, width
    description = Description(
        format=kind,
        extension=extension(kind),
        integrity=integrity,
        detail=detail,
        width=width,
        height=height,
        frames=structure.frames,
        orientation=structure.orientation,
        size_class=size_class(width, height),
        shape=shape(width, height),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    if not structure.pixels:
        return description
    with decode(structure, kind, limit) as image:
        facts = FileFacts(
            width=structure.width,
            height=structure.height,
            bytes=len(data),
            orientation=structure.orientation,
            quantization=getattr(image, "quantization", None) or None,
        )
        plain = eight_bit(image)
        copy = make_working_copy(plain, facts)
        try:
            description = replace(description, understanding=_understand(plain, copy, facts))
        except Exception as error:  # noqa: BLE001 - a picture that could be decoded is kept, whatever its measuring met
            failed = f"measuring its pixels failed: {_reason(error)}"
            description = replace(description, detail=_one_line(f"{detail}; {failed}" if detail else failed))
        return replace(
            description,
            label_input=model_input(plain, label_side, structure.orientation) if label_side else None,
            thumbnail=thumbnail(copy.preview),
        )


def _understand(image: Image.Image, copy: WorkingCopy, facts: FileFacts) -> Understanding:
    analysis = analyse(image, copy, facts)
    return Understanding(
        pixel_hash=analysis.hashes.pixel_hash,
        phash_256=analysis.hashes.phash_256,
        phash_64=analysis.hashes.phash_64,
        dhash_64=analysis.hashes.dhash_64,
        scores=analysis.features,
        flags=analysis.verdict.flags,
        quality=analysis.verdict.quality,
        content=analysis.content,
        rules_version=analysis.verdict.rules_version,
        scores_version=SCORES_VERSION,
    )


def _classify(structure: Structure, kind: str, content_type: str) -> tuple[str, str]:
    """Return the class and detail of a whole image.

    Trailing bytes come before a wrong type: they belong to the bytes, by which an image is known, and a wrong type
    to one answer of one server.
    """
    if structure.trailing:
        return TRAILING_BYTES, f"{structure.trailing} bytes follow the end of the image"
    declared = declared_format(content_type)
    if declared and declared != kind:
        return TYPE_MISMATCH, f"the content is {kind}, declared as {media_type(content_type)}"
    return OK, ""


def _reason(error: Exception) -> str:
    """Return "Type: message", or the type alone where there is no message, as of a MemoryError."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _one_line(detail: str) -> str:
    return " ".join(detail.split())[:DETAIL_CHARACTERS]
