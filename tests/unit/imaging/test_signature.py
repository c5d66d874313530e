"""The true type of a file is told by its first bytes."""

from __future__ import annotations

import pytest

from image_spider.imaging.formats import READERS
from image_spider.imaging.signature import UNSUPPORTED_IMAGES, extension, sniff

from .imaging_samples import FORMATS, sample


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_with_a_reader_is_recognised(name: str) -> None:
    assert sniff(sample(name)) == name
    assert name in READERS


def _brands(major: bytes, *compatible: bytes) -> bytes:
    return (16 + 4 * len(compatible)).to_bytes(4) + b"ftyp" + major + bytes(4) + b"".join(compatible)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (_brands(b"avif", b"mif1", b"miaf"), "avif"),
        (_brands(b"avis", b"avif", b"msf1"), "avif"),
        (_brands(b"mif1", b"miaf", b"avif"), "avif"),
        (_brands(b"heic", b"mif1"), "heic"),
        (_brands(b"mif1", b"heic"), "heic"),
        (_brands(b"crx ", b"isom"), "cr3"),
        (_brands(b"isom", b"avif"), "mp4"),
        (_brands(b"qt  "), "mp4"),
    ],
)
def test_the_brands_tell_avif_from_heic_and_from_video(data: bytes, name: str) -> None:
    assert sniff(data) == name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<html>", "html"),
        (b"\n <!doctype html>\n<HTML lang=en>", "html"),
        (b"<p>not found", "html"),
        (b"<svg width='3'", "svg"),
        (b'<?xml version="1.0"?><feed>', "xml"),
        (b"[1, 2]", "json"),
        ("\ufeffübel".encode("utf-16"), "text"),
        (b"\x80\x81\x02", "unknown"),
        (b"", "unknown"),
    ],
)
def test_texts_are_told_apart(data: bytes, name: str) -> None:
    assert sniff(data) == name


def test_an_image_without_a_reader_is_named_and_has_an_extension() -> None:
    assert not UNSUPPORTED_IMAGES & set(READERS)
    assert extension("heic") == ".heic"
    assert extension("jpeg") == ".jpg"
    assert extension("") == ""


def test_any_beginning_of_any_file_has_a_type() -> None:
    for name in FORMATS:
        for length in range(64):
            assert sniff(sample(name)[:length])
