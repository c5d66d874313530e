"""Every bad file ends in its recorded class, and no bad file raises."""

from __future__ import annotations

import struct
import zlib

import pytest

from image_spider.imaging import integrity

from .imaging_samples import (
    animated,
    bitmap_icon,
    bmp_rle,
    chunk,
    cut,
    encode,
    examine,
    gray_tiff,
    jpeg_frame,
    jpeg_with,
    patched,
    photo,
    png_header,
    png_with,
    riff,
    sample,
    segment,
    webp_chunk,
)

JPEG, PNG, GIF, WEBP, AVIF, BMP, TIFF, ICO = (
    sample(name) for name in ("jpeg", "png", "gif", "webp", "avif", "bmp", "tiff", "ico")
)
PROGRESSIVE = encode(photo(), "JPEG", progressive=True)
PALETTE_PNG = encode(photo().convert("P"), "PNG")
LZW = encode(photo(), "TIFF", compression="tiff_lzw")
SCAN = JPEG.index(b"\xff\xda")
PIXELS = PNG.index(b"IDAT") + 4
AVIF_PIXELS = AVIF.index(b"mdat") + 4
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><g/></svg>'
PROGRESSIVE_SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
HTML = b"<!DOCTYPE html><html><head><title>Not found</title></head></html>"
HUGE_BITMAP = struct.pack("<IiiHHI", 40, 2**31 - 1, 2**31 - 1, 1, 32, 0)
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)


def _icon_of(payload: bytes, size: int | None = None) -> bytes:
    entry = struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 32, len(payload) if size is None else size, 22)
    return b"\x00\x00\x01\x00\x01\x00" + entry + payload


BAD_FILES: list[tuple[str, bytes, str]] = [
    ("no bytes", b"", "empty"),
    # no image
    ("one byte", b"\x00", "not_an_image"),
    ("zeros", bytes(4096), "not_an_image"),
    ("a page", HTML, "not_an_image"),
    ("a page behind a comment", b"\xef\xbb\xbf \n<!-- x --><html><svg></svg></html>", "not_an_image"),
    ("a page in XML", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "not_an_image"),
    ("a feed", b'<?xml version="1.0"?><rss version="2.0"></rss>', "not_an_image"),
    ("a text", b"404 Not Found", "not_an_image"),
    ("a text in Cyrillic", "Не найдено".encode(), "not_an_image"),
    ("a text that begins with BM", b"BMW builds cars. " * 10, "not_an_image"),
    ("JSON", b'{"error": "not found"}', "not_an_image"),
    ("a PDF", b"%PDF-1.7\n" + bytes(100), "not_an_image"),
    ("a gzip", b"\x1f\x8b\x08" + bytes(100), "not_an_image"),
    ("a ZIP", b"PK\x03\x04" + bytes(100), "not_an_image"),
    ("a video", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(64), "not_an_image"),
    ("a sound", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(30), "not_an_image"),
    ("a font", b"wOF2" + bytes(60), "not_an_image"),
    ("noise", bytes((number * 89 + 41) % 251 for number in range(500)), "not_an_image"),
    # images that no decoder is allowed to read
    ("HEIC", HEIC, "unsupported"),
    ("JPEG XL", b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(64), "unsupported"),
    ("a bare JPEG XL stream", b"\xff\x0a" + bytes(64), "unsupported"),
    ("JPEG 2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(64), "unsupported"),
    ("Photoshop", b"8BPS\x00\x01" + bytes(64), "unsupported"),
    ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n", "unsupported"),
    ("a portable pixmap", b"P6\n9999999 9999999\n255\n", "unsupported"),
    ("a cursor", b"\x00\x00\x02\x00\x01\x00" + bytes(64), "unsupported"),
    ("a raw photo", b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(64), "unsupported"),
    # JPEG
    ("JPEG: only the marker", JPEG[:2], "truncated"),
    ("JPEG: 10 bytes", JPEG[:10], "truncated"),
    ("JPEG: cut in the tables", JPEG[: SCAN - 30], "truncated"),
    ("JPEG: cut before the scan", JPEG[:SCAN], "truncated"),
    ("JPEG: half", cut(JPEG, 0.5), "truncated"),
    ("JPEG: cut in the last rows", JPEG[:-40], "truncated"),
    ("JPEG: the last byte is missing", JPEG[:-1], "truncated"),
    ("JPEG: the end marker is missing", JPEG[:-2], "truncated"),
    ("JPEG: filled with zeros from the middle", cut(JPEG, 0.5) + bytes(len(JPEG) // 2), "truncated"),
    ("progressive JPEG: half", cut(PROGRESSIVE, 0.5), "truncated"),
    ("progressive JPEG: cut in the last scan", PROGRESSIVE[:-20], "truncated"),
    ("progressive JPEG: the end marker is missing", PROGRESSIVE[:-2], "truncated"),
    ("JPEG: ends before its pixels", JPEG[:SCAN] + b"\xff\xd9", "corrupt"),
    ("JPEG: no tables", JPEG[:2] + JPEG[JPEG.index(b"\xff\xc0") : JPEG.index(b"\xff\xc4")] + JPEG[SCAN:], "corrupt"),
    ("JPEG: a scan before the size", JPEG[:2] + JPEG[SCAN:], "corrupt"),
    ("JPEG: a marker in the pixels", patched(JPEG, SCAN + 200, b"\xff\x42"), "corrupt"),
    ("JPEG: an image in the pixels", patched(JPEG, SCAN + 200, b"\xff\xd8"), "corrupt"),
    ("JPEG: a segment of length 0", jpeg_with(b"\xff\xe5\x00\x00"), "corrupt"),
    ("JPEG: two sizes", jpeg_with(JPEG[JPEG.index(b"\xff\xc0") :][:19]), "corrupt"),
    ("JPEG: width 0", jpeg_frame(64, 0), "corrupt"),
    ("JPEG: the height stands at the end", jpeg_frame(0, 96), "unsupported"),
    ("JPEG: 12 bits", jpeg_frame(64, 96, precision=12), "unsupported"),
    ("JPEG: lossless", JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1), "unsupported"),
    ("JPEG: 4 thousand million pixels", jpeg_frame(65535, 65535), "bomb"),
    ("JPEG: a thousand scans", PROGRESSIVE[:-2] + PROGRESSIVE_SCAN * 1000 + b"\xff\xd9", "bomb"),
    ("JPEG: a page behind it", JPEG + HTML, "trailing_bytes"),
    ("JPEG: a second one behind it", JPEG + JPEG, "trailing_bytes"),
    ("JPEG: a ZIP behind it", JPEG + b"PK\x03\x04" + bytes(50), "trailing_bytes"),
    # PNG
    ("PNG: only the signature", PNG[:8], "truncated"),
    ("PNG: half a signature", PNG[:5], "truncated"),
    ("PNG: cut in the header", PNG[:20], "truncated"),
    ("PNG: cut behind the header", PNG[:33], "truncated"),
    ("PNG: half", cut(PNG, 0.5), "truncated"),
    ("PNG: cut before the end", PNG[:-12], "truncated"),
    ("PNG: the last byte is missing", PNG[:-1], "truncated"),
    ("PNG: line ends changed", PNG.replace(b"\r\n", b"\n"), "corrupt"),
    ("PNG: a wrong byte in the pixels", patched(PNG, PIXELS + 60, bytes([PNG[PIXELS + 60] ^ 1])), "corrupt"),
    ("PNG: a wrong checksum of the header", patched(PNG, 29, b"oops"), "corrupt"),
    ("PNG: a wrong checksum of the palette", patched(PALETTE_PNG, PALETTE_PNG.index(b"PLTE") + 10, b"oops"), "corrupt"),
    ("PNG: no pixels", PNG[:33] + PNG[-12:], "corrupt"),
    ("PNG: no palette", png_header(96, 64, 8, 3), "corrupt"),
    ("PNG: a palette of 4 bytes", png_with(chunk(b"PLTE", bytes(4))), "corrupt"),
    ("PNG: 3 bits", png_header(96, 64, 3), "corrupt"),
    ("PNG: width 0", png_header(0, 64), "corrupt"),
    ("PNG: two headers", png_with(PNG[8:33]), "corrupt"),
    ("PNG: no header", PNG[:8] + PNG[33:], "corrupt"),
    ("PNG: chunks of garbage", PNG[:33] + bytes(100), "corrupt"),
    ("PNG: pixels that are no zlib stream", PNG[:33] + chunk(b"IDAT", b"x" * 99) + PNG[-12:], "corrupt"),
    ("PNG: too few pixels", PNG[:33] + chunk(b"IDAT", zlib.compress(bytes(99))) + PNG[-12:], "truncated"),
    ("PNG: Apple's variant", PNG[:8] + chunk(b"CgBI", bytes(13)) + PNG[8:], "unsupported"),
    ("PNG: 2.5 thousand million pixels", png_header(50000, 50000), "bomb"),
    ("PNG: the largest size", png_header(2**31 - 1, 2**31 - 1, 1, 0), "bomb"),
    ("PNG: one row of 100 million pixels", png_header(100_000_000, 1), "bomb"),
    ("PNG: a program behind it", PNG + b"MZ" + b"\x90" * 50, "trailing_bytes"),
    # GIF
    ("GIF: only the signature", GIF[:6], "truncated"),
    ("GIF: cut in the header", GIF[:10], "truncated"),
    ("GIF: cut in the palette", GIF[:100], "truncated"),
    ("GIF: half", cut(GIF, 0.5), "truncated"),
    ("GIF: the trailer is missing", GIF[:-1], "truncated"),
    ("GIF: cut in the second frame", cut(animated("gif"), 0.6), "truncated"),
    ("GIF: no picture", GIF[:13] + bytes(768) + b";", "corrupt"),
    ("GIF: an unknown version", patched(GIF, 3, b"88z"), "corrupt"),
    ("GIF: a block of garbage", GIF[:-1] + b"\x99\x99\x99;", "corrupt"),
    ("GIF: code size 77", patched(GIF, GIF.index(b",\x00\x00\x00\x00") + 10, b"\x4d"), "corrupt"),
    ("GIF: a frame of 65535 x 65535", patched(GIF, GIF.index(b",\x00\x00\x00\x00") + 5, b"\xff" * 4), "bomb"),
    ("GIF: a screen of 65535 x 65535", patched(GIF, 6, b"\xff" * 4), "bomb"),
    ("GIF: a million empty extensions", GIF[:-1] + b"!\xfe\x00" * 1_000_001 + b";", "bomb"),
    ("GIF: a script behind it", GIF + b"<?php system($_GET[0]); ?>", "trailing_bytes"),
    # WebP
    ("WebP: only the signature", WEBP[:12], "truncated"),
    ("WebP: cut in the header", WEBP[:24], "truncated"),
    ("WebP: half", cut(WEBP, 0.5), "truncated"),
    ("WebP: the last two bytes are missing", WEBP[:-2], "truncated"),
    ("WebP: pixels of garbage", riff(webp_chunk(b"VP8 ", WEBP[20:30] + b"\xff" * 300)), "corrupt"),
    ("WebP: no start code", patched(WEBP, 23, b"abc"), "corrupt"),
    ("WebP: an unknown first chunk", patched(WEBP, 12, b"JUNK"), "corrupt"),
    ("WebP: a chunk longer than the file", patched(WEBP, 16, b"\xff\xff\xff\x00"), "corrupt"),
    ("WebP: a canvas without a picture", riff(webp_chunk(b"VP8X", bytes(10))), "corrupt"),
    ("WebP: a canvas of 16 million squared", riff(webp_chunk(b"VP8X", bytes(4) + b"\xff" * 6), WEBP[12:]), "bomb"),
    ("WebP: 16383 x 16383 lossless", riff(webp_chunk(b"VP8L", b"\x2f\xfe\xbf\xff\x0f" + bytes(20))), "bomb"),
    ("WebP: a text behind it", WEBP + b"more", "trailing_bytes"),
    # AVIF
    ("AVIF: only the brands", AVIF[:32], "truncated"),
    ("AVIF: cut in the description", AVIF[:120], "truncated"),
    ("AVIF: half", cut(AVIF, 0.5), "truncated"),
    ("AVIF: the last byte is missing", AVIF[:-1], "truncated"),
    ("AVIF: pixels of garbage", patched(AVIF, AVIF_PIXELS, b"\xff" * (len(AVIF) - AVIF_PIXELS)), "corrupt"),
    ("AVIF: a description of zeros", AVIF[:32] + struct.pack(">I4s", 100, b"meta") + bytes(92), "corrupt"),
    ("AVIF: a box of size 3", AVIF + struct.pack(">I4s", 3, b"free"), "corrupt"),
    ("AVIF: 85 million pixels", patched(AVIF, AVIF.index(b"ispe") + 8, b"\x00\x00\x24\x00" * 2), "bomb"),
    ("AVIF: a text behind it", AVIF + b"and then some more text", "trailing_bytes"),
    # BMP
    ("BMP: cut in the file header", BMP[:12], "truncated"),
    ("BMP: cut in the header", BMP[:30], "truncated"),
    ("BMP: cut behind the header", BMP[:54], "truncated"),
    ("BMP: half", cut(BMP, 0.5), "truncated"),
    ("BMP: the last byte is missing", BMP[:-1], "truncated"),
    ("BMP: width 0", patched(BMP, 18, bytes(4)), "corrupt"),
    ("BMP: a negative width", patched(BMP, 18, b"\xff" * 4), "corrupt"),
    ("BMP: the pixels begin in the header", patched(BMP, 10, bytes(4)), "corrupt"),
    ("BMP: 2 thousand million squared", patched(BMP, 18, b"\xff\xff\xff\x7f" * 2), "bomb"),
    ("BMP: JPEG inside", patched(BMP, 30, b"\x04"), "unsupported"),
    ("BMP: 7 bits", patched(BMP, 28, b"\x07"), "unsupported"),
    ("BMP: run-length coding of 60 million pixels", bmp_rle(60_000_000, 1, b"\x00\x02\x00\xff" * 9), "unsupported"),
    ("BMP: run-length coding cut", bmp_rle(8, 2, b"\x08\x01\x00\x00\x08\x00\x00\x01")[:-3], "truncated"),
    ("BMP: a text behind it", BMP + b"more", "trailing_bytes"),
    # TIFF
    ("TIFF: only the header", TIFF[:8], "truncated"),
    ("TIFF: 3 bytes less", TIFF[:-3], "truncated"),
    ("TIFF: half", cut(TIFF, 0.5), "truncated"),
    ("TIFF: the directory lies outside", patched(TIFF, 4, b"\xff\xff\xff\x00"), "truncated"),
    ("TIFF: the pixels lie outside", gray_tiff(t273=(4, 1, 4000)), "truncated"),
    ("TIFF: no size", gray_tiff(t256=(2, 1, 8)), "corrupt"),
    ("TIFF: width 0", gray_tiff(t256=(3, 1, 0)), "corrupt"),
    ("TIFF: no pixels", gray_tiff(t273=(4, 0, 0)), "corrupt"),
    ("TIFF: LZW of garbage", LZW[:8] + b"\xff" * 500 + LZW[508:], "corrupt"),
    ("TIFF: a thousand million pixels", gray_tiff(t256=(4, 1, 100_000), t257=(4, 1, 100_000)), "bomb"),
    ("TIFF: huge tiles", gray_tiff(t322=(4, 1, 100_000), t323=(4, 1, 100_000), t324=(4, 1, 8), t273=(4, 0, 0)), "bomb"),
    ("TIFF: WebP inside", gray_tiff(t259=(3, 1, 50001)), "unsupported"),
    ("TIFF: old JPEG inside", gray_tiff(t259=(3, 1, 6)), "unsupported"),
    ("TIFF: 5 bits", gray_tiff(t258=(3, 1, 5)), "unsupported"),
    ("TIFF: 60000 samples per pixel", gray_tiff(t277=(3, 1, 60000)), "corrupt"),
    # ICO
    ("ICO: only the header", ICO[:6], "truncated"),
    ("ICO: cut in the directory", ICO[:20], "truncated"),
    ("ICO: half", cut(ICO, 0.5), "truncated"),
    ("ICO: the last byte is missing", ICO[:-1], "truncated"),
    ("ICO: no picture", b"\x00\x00\x01\x00\x00\x00" + bytes(20), "corrupt"),
    ("ICO: a broken picture", _icon_of(patched(PNG, PIXELS + 40, b"oops")), "corrupt"),
    ("ICO: a cut bitmap", _icon_of(bitmap_icon()[22:-2500]), "truncated"),
    ("ICO: a picture of garbage", _icon_of(b"\x99" * 99), "unsupported"),
    ("ICO: a picture of 2.5 thousand million pixels", _icon_of(png_header(50000, 50000)), "bomb"),
    ("ICO: a bitmap of 2 thousand million squared", _icon_of(HUGE_BITMAP), "bomb"),
    ("ICO: a text behind it", ICO + b"more", "trailing_bytes"),
    # SVG
    ("SVG: half", cut(SVG, 0.5), "truncated"),
    ("SVG: cut before the end", SVG[:-6], "truncated"),
    ("SVG: an endless comment", b"<!-- " + b"<svg " * 1000, "truncated"),
    ("SVG: a script behind it", SVG + b"<script>alert(1)</script>", "trailing_bytes"),
]  # fmt: skip

MISLABELLED: list[tuple[str, bytes, str]] = [
    ("image/png", JPEG, "type_mismatch"),
    ("image/jpeg", PNG, "type_mismatch"),
    ("image/gif; charset=binary", WEBP, "type_mismatch"),
    ("IMAGE/WEBP", AVIF, "type_mismatch"),
    ("image/svg+xml", PNG, "type_mismatch"),
    ("image/heic", JPEG, "type_mismatch"),
    ("image/jpeg", SVG, "type_mismatch"),
    ("image/jpg", JPEG, "ok"),
    ("image/pjpeg", JPEG, "ok"),
    ("image/x-png", PNG, "ok"),
    ("image/apng", PNG, "ok"),
    ("image/x-ms-bmp", BMP, "ok"),
    ("image/x-icon", ICO, "ok"),
    ("image/vnd.microsoft.icon", ICO, "ok"),
    ("application/octet-stream", JPEG, "ok"),
    ("text/plain", JPEG, "ok"),
    ("text/html; charset=utf-8", JPEG, "ok"),
    ("", JPEG, "ok"),
    ("nonsense", JPEG, "ok"),
    ("image/*", JPEG, "ok"),
    ("image/png", cut(JPEG, 0.5), "truncated"),
    ("image/png", JPEG + b"more", "trailing_bytes"),
    ("image/png", HTML, "not_an_image"),
    ("image/jpeg", HEIC, "unsupported"),
    ("image/jpeg", b"", "empty"),
]


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*row[1:], id=row[0]) for row in BAD_FILES])
def test_a_bad_file_ends_in_its_class(data: bytes, expected: str) -> None:
    description = examine(data)
    assert description.integrity == expected, description.detail
    assert description.detail
    assert "\n" not in description.detail
    if expected not in integrity.KEPT:
        assert description.thumbnail is None
        assert (description.width, description.height, description.frames) == (0, 0, 0)
        assert (description.size_class, description.shape) == ("", "")


@pytest.mark.parametrize(("content_type", "data", "expected"), MISLABELLED)
def test_a_content_type_that_names_another_image_is_a_mismatch(content_type: str, data: bytes, expected: str) -> None:
    assert examine(data, content_type).integrity == expected


def test_the_table_holds_enough_bad_files_of_every_class() -> None:
    assert len(BAD_FILES) >= 80
    assert {expected for _, _, expected in BAD_FILES} == integrity.ALL - {"ok", "type_mismatch"}


def test_the_format_and_extension_of_a_failed_image_are_told_and_those_of_a_page_are_not() -> None:
    assert (examine(cut(PNG, 0.5)).format, examine(cut(PNG, 0.5)).extension) == ("png", ".png")
    assert (examine(HEIC).format, examine(HEIC).extension) == ("heic", ".heic")
    assert (examine(HTML).format, examine(HTML).extension) == ("", "")
    assert examine(HTML, "image/png").detail == "the content is html, declared as image/png"


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "avif", "bmp", "ico"])
@pytest.mark.parametrize("padding", [b"\x00" * 16, b"\r\n", b"\n"])
def test_padding_behind_an_image_is_no_trailing_data(name: str, padding: bytes) -> None:
    assert examine(sample(name) + padding).integrity == "ok"


def test_more_pictures_of_a_camera_behind_a_jpeg_are_no_trailing_data() -> None:
    several = jpeg_with(segment(0xE2, b"MPF\x00" + bytes(40)))
    assert examine(several + JPEG).integrity == "ok"
    assert examine(several + HTML).integrity == "trailing_bytes"


def test_the_video_of_a_motion_photo_and_a_samsung_trailer_are_no_trailing_data() -> None:
    video = b"\x00\x00\x00\x18ftypmp42" + bytes(40)
    motion = jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x GCamera:MotionPhoto='1'/>"))
    assert examine(motion + video).integrity == "ok"
    assert examine(JPEG + video).integrity == "trailing_bytes"
    assert examine(JPEG + b"\x00\x00\x01\x0a data SEFH" + bytes(12) + b"SEFT").integrity == "ok"


def test_a_thumbnail_inside_exif_does_not_end_a_jpeg() -> None:
    exif = segment(0xE1, b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00" + encode(photo(16, 16), "JPEG"))
    assert examine(jpeg_with(exif)).integrity == "ok"
    assert examine(jpeg_with(exif)[:-2]).integrity == "truncated"
