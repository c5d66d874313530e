"""Good images of every format and mode are described as they are, with a right thumbnail."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from .imaging_samples import (
    FORMATS,
    SIZE,
    animated,
    bitmap_icon,
    bmp_rle,
    chunk,
    encode,
    examine,
    jpeg_with,
    opened,
    oriented,
    photo,
    png_with,
    quartered,
    riff,
    sample,
    segment,
    webp_chunk,
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_good_file_of_every_format_is_ok_and_has_a_thumbnail(name: str) -> None:
    description = examine(sample(name), f"image/{name}")
    assert (description.integrity, description.detail) == ("ok", "")
    assert (description.format, description.frames, description.orientation) == (name, 1, 1)
    assert description.extension == {"jpeg": ".jpg"}.get(name, f".{name}")
    assert (description.width, description.height) == ((48, 48) if name == "ico" else SIZE)
    assert opened(description.thumbnail).size == (description.width, description.height)


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "avif", "bmp", "tiff"])
def test_the_thumbnail_shows_the_picture(name: str) -> None:
    picture = quartered(1200, 800)
    thumbnail = opened(examine(encode(picture, name.upper())).thumbnail).convert("RGB")
    assert thumbnail.size == (200, 134)
    expected = np.asarray(picture.resize(thumbnail.size), dtype=int)
    assert np.abs(np.asarray(thumbnail, dtype=int) - expected).mean() < 6


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"),
        ("L", "JPEG"), ("CMYK", "JPEG"), ("YCbCr", "JPEG"), ("RGBA", "WEBP"), ("RGBA", "AVIF"), ("P", "GIF"),
        ("L", "GIF"), ("1", "BMP"), ("L", "BMP"), ("P", "BMP"), ("RGBA", "BMP"),
        ("1", "TIFF"), ("L", "TIFF"), ("LA", "TIFF"), ("P", "TIFF"), ("RGBA", "TIFF"), ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"), ("LAB", "TIFF"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I", "TIFF"), ("F", "TIFF"),
    ],
)  # fmt: skip
def test_every_mode_gets_a_thumbnail_of_about_its_brightness(mode: str, name: str) -> None:
    gray = np.asarray(photo().convert("L"))
    if mode in ("I;16", "I;16B"):
        picture = Image.fromarray(gray.astype(np.uint16) * 257)
        picture = picture if mode == "I;16" else picture.convert("I").convert("I;16B")
    elif mode == "I":
        picture = Image.fromarray(gray.astype(np.int32) * 70_000)
    elif mode == "F":
        picture = Image.fromarray(gray.astype(np.float32) / 255)
    elif mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.buildTransform(*profiles, "RGB", "LAB").apply(photo())
    else:
        picture = photo().convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else photo().convert(mode)
    description = examine(encode(picture, name))
    assert description.integrity == "ok", description.detail
    brightness = float(np.asarray(opened(description.thumbnail).convert("L")).mean())
    assert brightness == pytest.approx(float(gray.mean()), abs=14)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {"progressive": True}), ("JPEG", {"quality": 1}), ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {"compress_level": 0}), ("GIF", {"interlace": 1}), ("WEBP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "jpeg"}), ("TIFF", {"compression": "packbits"}), ("TIFF", {"big_tiff": True}),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ],
)  # fmt: skip
def test_every_variant_of_coding_is_ok(name: str, options: dict[str, object]) -> None:
    description = examine(encode(photo(), name, **options))
    assert description.integrity == "ok", description.detail
    assert opened(description.thumbnail).size == SIZE


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_a_fax_tiff_is_ok(compression: str) -> None:
    assert examine(encode(photo().convert("1"), "TIFF", compression=compression)).integrity == "ok"


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    row = np.asarray(opened(examine(encode(Image.fromarray(ramp), "PNG")).thumbnail).convert("L"))[32]
    assert abs(int(row[32]) - 130) < 10
    assert row[0] < 10
    assert row[-1] > 245


def test_infinite_and_undefined_floats_leave_a_visible_picture() -> None:
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    pixels = np.asarray(opened(examine(encode(Image.fromarray(values), "TIFF")).thumbnail).convert("L"))
    assert pixels[63].mean() > 240


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white_in_the_thumbnail(mode: str) -> None:
    picture = Image.new("RGB", SIZE).convert(mode)
    picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    thumbnail = opened(examine(encode(picture, "PNG")).thumbnail).convert("L")
    assert thumbnail.getpixel((5, 0)) > 240
    assert thumbnail.getpixel((5, SIZE[1] - 1)) < 15


@pytest.mark.parametrize("transparency", [0, bytes([0, 128, 255])])
def test_a_transparent_palette_lies_on_white_in_the_thumbnail(transparency: int | bytes) -> None:
    picture = Image.new("P", (64, 64), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.paste(2, (32, 0, 64, 64))
    for name in ("PNG", "GIF") if transparency == 0 else ("PNG",):
        thumbnail = opened(examine(encode(picture, name, transparency=transparency)).thumbnail)
        assert min(thumbnail.getpixel((8, 8))) > 240
        assert max(thumbnail.getpixel((56, 8))[:2]) < 20


def test_a_white_logo_lies_on_black_in_the_thumbnail() -> None:
    picture = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    picture.paste("white", (16, 16, 48, 48))
    thumbnail = opened(examine(encode(picture, "PNG")).thumbnail).convert("L")
    assert thumbnail.getpixel((32, 32)) > 240
    assert thumbnail.getpixel((4, 4)) < 15


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif"])
def test_exif_orientation_turns_the_size_and_the_thumbnail(name: str, orientation: int) -> None:
    # Where red, green and blue of the stored corners stand once the picture is upright.
    corners = {1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}
    description = examine(oriented(name, orientation, quartered()))
    assert description.orientation == orientation
    assert (description.width, description.height) == (SIZE if orientation < 5 else SIZE[::-1])
    thumbnail = opened(description.thumbnail).convert("RGB")
    assert thumbnail.size == (description.width, description.height)
    seen = ""
    for y in (thumbnail.height // 4, thumbnail.height * 3 // 4):
        for x in (thumbnail.width // 4, thumbnail.width * 3 // 4):
            red, green, blue = thumbnail.getpixel((x, y))
            seen += "w" if min(red, green, blue) > 150 else "rgb"[(red, green, blue).index(max(red, green, blue))]
    assert seen == corners[orientation]


@pytest.mark.parametrize("name", ["gif", "webp", "png", "avif", "tiff"])
def test_frames_are_counted_and_the_first_one_is_shown(name: str) -> None:
    description = examine(animated(name))
    assert (description.integrity, description.frames) == ("ok", 3)
    assert opened(description.thumbnail).size == SIZE


def test_an_icon_shows_its_largest_picture() -> None:
    pictures = encode(photo(64, 64), "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    assert (examine(pictures).width, examine(pictures).frames) == (64, 1)
    bitmap = examine(bitmap_icon())
    assert (bitmap.integrity, bitmap.width, bitmap.height) == ("ok", 32, 32)


def test_an_icon_whose_picture_is_larger_than_its_directory_says_has_the_true_size() -> None:
    large = encode(photo(512, 512), "PNG")
    icon = b"\x00\x00\x01\x00\x01\x00" + bytes([0, 0, 0, 0, 1, 0, 32, 0]) + len(large).to_bytes(4, "little")
    description = examine(icon + (22).to_bytes(4, "little") + large)
    assert (description.integrity, description.width) == ("ok", 512)


def test_a_run_length_coded_bitmap_is_ok() -> None:
    assert examine(bmp_rle(8, 2, b"\x08\x01\x00\x00\x08\x00\x00\x01")).integrity == "ok"


def test_a_thumbnail_is_never_larger_than_the_image_and_never_empty() -> None:
    assert opened(examine(encode(Image.new("RGB", (5, 3)), "PNG")).thumbnail).size == (5, 3)
    assert opened(examine(encode(Image.new("RGB", (4000, 1)), "PNG")).thumbnail).size == (223, 1)
    assert opened(examine(encode(Image.new("RGB", (1, 4000)), "JPEG")).thumbnail).size == (1, 223)


def test_a_gif_whose_first_frame_is_larger_than_its_screen_has_the_size_of_the_frame() -> None:
    data = encode(photo().convert("P"), "GIF")
    description = examine(data[:6] + (10).to_bytes(2, "little") * 2 + data[10:])
    assert (description.integrity, description.width, description.height) == ("ok", *SIZE)


GARBAGE = bytes(range(256)) * 4
PACKED_ZEROS = b"k\x00\x00" + zlib.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("exif that is no directory", jpeg_with(segment(0xE1, b"Exif\x00\x00" + GARBAGE))),
        ("exif of a broken directory", jpeg_with(segment(0xE1, b"Exif\x00\x00II*\x00\xff\xff\xff\xff"))),
        ("exif of endless entries", jpeg_with(segment(0xE1, b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + GARBAGE))),
        ("a colour profile of garbage", jpeg_with(segment(0xE2, b"ICC_PROFILE\x00\x01\x01" + GARBAGE))),
        ("half a colour profile", jpeg_with(segment(0xE2, b"ICC_PROFILE\x00\x01\x05" + GARBAGE))),
        ("a colour profile without a number", jpeg_with(segment(0xE2, b"ICC_PROFILE\x00"))),
        ("several pictures announced and missing", jpeg_with(segment(0xE2, b"MPF\x00" + GARBAGE))),
        ("a short JFIF segment", jpeg_with(segment(0xE0, b"JFIF\x00"))),
        ("a short Adobe segment", jpeg_with(segment(0xEE, b"Adobe"))),
        ("a Photoshop segment of garbage", jpeg_with(segment(0xED, b"Photoshop 3.0\x008BIM" + GARBAGE))),
        ("an end marker inside a comment", jpeg_with(segment(0xFE, b"\xff\xd9" * 8))),
        ("fill bytes before a marker", jpeg_with(b"\xff\xff\xff")),
        ("a text that unpacks to 50 MB", png_with(chunk(b"zTXt", PACKED_ZEROS))),
        ("a profile that unpacks to 50 MB", png_with(chunk(b"iCCP", PACKED_ZEROS))),
        ("a colour profile of garbage in PNG", png_with(chunk(b"iCCP", GARBAGE))),
        ("exif of garbage in PNG", png_with(chunk(b"eXIf", GARBAGE))),
        ("a wrong checksum of a text", png_with(chunk(b"tEXt", b"a\x00b")[:-4] + b"oops")),
        ("a wrong checksum of transparency", png_with(chunk(b"tRNS", bytes(6))[:-4] + b"oops")),
        ("transparency of a wrong length", png_with(chunk(b"tRNS", bytes(1)))),
        ("an animation that tells 0 frames", png_with(chunk(b"acTL", bytes(8)))),
        ("an animation that tells 4 thousand million frames", png_with(chunk(b"acTL", b"\xff" * 8))),
        ("an animation out of sequence", png_with(chunk(b"fcTL", GARBAGE[:26]))),
        ("a short animation chunk", png_with(chunk(b"acTL", b"") + chunk(b"fcTL", b""))),
        ("a physical size of no bytes", png_with(chunk(b"pHYs", b"") + chunk(b"gAMA", b"") + chunk(b"cHRM", b""))),
        ("exif of garbage in WebP", riff(sample("webp")[12:], webp_chunk(b"EXIF", GARBAGE))),
        ("exif of garbage in TIFF", sample("tiff").replace(b"\x1c\x01\x03\x00", b"\x69\x87\x0d\x00")),
    ],
)  # fmt: skip
def test_broken_metadata_does_not_make_a_good_image_bad(name: str, data: bytes) -> None:
    description = examine(data)
    assert (description.integrity, description.detail) == ("ok", "")
    assert (description.width, description.height) == SIZE
    assert description.thumbnail


def test_broken_exif_in_avif_does_not_make_it_bad() -> None:
    data = oriented("avif", 6)
    description = examine(data.replace(b"II*\x00", b"II*\xff").replace(b"MM\x00*", b"MM\xff*"))
    assert description.integrity == "ok"
    assert description.orientation == 6  # told by the container
