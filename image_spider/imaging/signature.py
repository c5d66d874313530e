"""The true type of a file by its first bytes, whatever its name or its Content-Type says."""

from __future__ import annotations

from image_spider.imaging.markup import HEAD_BYTES, first_tag, text_of

# Magic numbers of images. Those of formats without a reader are named so that they are told from what is no image.
IMAGE_PREFIXES = (
    (b"\xff\xd8", "jpeg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"\x00\x00\x02\x00", "cur"),
    (b"\x00\x00\x00\x0cJXL ", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cjP  ", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"8BPS", "psd"),
    (b"qoif", "qoi"),
    (b"DDS ", "dds"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"II\xbc\x01", "jxr"),
    (b"\x8aMNG", "mng"),
    (b"\x8bJNG", "jng"),
    (b"icns", "icns"),
    (b"gimp xcf", "xcf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"AT&TFORM", "djvu"),
    (b"BPG\xfb", "bpg"),
    (b"FLIF", "flif"),
    (b"/* XPM */", "xpm"),
    *((b"P%d%c" % (kind, space), "pnm") for kind in range(1, 8) for space in b"\n\r\t "),
)
OTHER_PREFIXES = (
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ", "xz"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"RIFF", "riff"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OTTO", "font"),
    (b"\x00\x01\x00\x00", "font"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"CWS", "flash"),
    (b"FWS", "flash"),
    (b"SQLite format 3", "sqlite"),
)
AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
# A BMP begins with "BM" like many a word, so its second header must have one of the known sizes.
BITMAP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})

EXTENSIONS = {"jpeg": ".jpg", "tiff": ".tiff"}  # every other format is its own extension
UNSUPPORTED_IMAGES = frozenset(
    {name for _, name in IMAGE_PREFIXES} - {"jpeg", "png", "gif", "tiff", "ico"} | {"heic", "cr2", "cr3", "emf"}
)


def sniff(data: bytes) -> str:
    """Return the type of a file: an image format, or another type such as "html", "text" or "unknown".

    jpeg, png, gif, webp, avif, bmp, tiff, ico and svg have readers; the names in UNSUPPORTED_IMAGES are images too.
    """
    for prefix, name in IMAGE_PREFIXES:
        if data.startswith(prefix):
            return "cr2" if name == "tiff" and data[8:10] == b"CR" else name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    if data.startswith(b"BM") and _is_bitmap(data):
        return "bmp"
    if data.startswith(b"\x01\x00\x00\x00") and data[40:44] == b" EMF":
        return "emf"
    for prefix, name in OTHER_PREFIXES:
        if data.startswith(prefix):
            return name
    return _sniff_text(data)


def extension(name: str) -> str:
    """Return the file name extension of an image format, with its dot."""
    return EXTENSIONS.get(name, f".{name}") if name else ""


def _sniff_brands(data: bytes) -> str:
    """Return the type of an ISO base media file by its brands: the major one first, then the compatible ones."""
    end = min(int.from_bytes(data[:4]), 256)
    major = data[8:12]
    brands = {major, *(data[position : position + 4] for position in range(16, end, 4))}
    if major in AVIF_BRANDS or (brands & AVIF_BRANDS and major in (b"mif1", b"msf1")):
        return "avif"
    if major in HEIC_BRANDS:
        return "heic"
    return "cr3" if major == b"crx " else "mp4"


def _is_bitmap(data: bytes) -> bool:
    if len(data) < 18:
        return b"\x00" in data
    return int.from_bytes(data[14:18], "little") in BITMAP_HEADER_SIZES


def _sniff_text(data: bytes) -> str:
    head = text_of(data[:HEAD_BYTES])
    beginning = head.lstrip("\x00 \t\r\n\f")[:512]
    if beginning.startswith("<"):
        tag = first_tag(head)
        if tag is not None and tag.name == "svg":
            return "svg"
        if tag is None and "<svg" in head[-2048:]:
            return "svg"  # cut inside its first tag
        is_xml = beginning.startswith("<?xml") and (tag is None or tag.name != "html")
        return "xml" if is_xml else "html"
    if not beginning or any(character < " " and character not in "\t\r\n\f\x1b" for character in beginning):
        return "unknown"
    return "json" if beginning[0] in "{[" else "text"
