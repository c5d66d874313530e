"""The directories (IFDs) of TIFF and EXIF: their entries, read without trusting any of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ORIENTATION = 0x0112
# Bytes per value of each type, TIFF 6.0 section 2 and BigTIFF: 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL ...
VALUE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8, 18: 8}
INTEGER_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The byte order ("<" or ">") of a TIFF file, and whether it is a BigTIFF of 64-bit offsets."""

    order: str
    big: bool

    @property
    def entry_size(self) -> int:
        """Bytes per entry."""
        return 20 if self.big else 12


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry whose values lie inside the file: size bytes at offset; raw is the entry as stored."""

    tag: int
    kind: int
    count: int
    offset: int
    size: int
    raw: bytes


def read_header(data: bytes) -> tuple[Layout, int]:
    """Return the layout of a TIFF file and the offset of its first directory; struct.error when it is too short."""
    order = ">" if data[:2] == b"MM" else "<"
    (version,) = struct.unpack_from(order + "H", data, 2)
    layout = Layout(order, big=version == 43)
    (offset,) = struct.unpack_from(order + ("Q" if layout.big else "I"), data, 8 if layout.big else 4)
    return layout, offset


def read_directory(data: bytes, layout: Layout, offset: int) -> tuple[dict[int, Entry], int]:
    """Return the entries of the directory at offset, and the offset of the next one (0: none).

    An entry of an unknown type, one whose values lie outside the file and a repeated tag are left out. Raises
    struct.error when the directory itself reaches beyond the file.
    """
    if offset > len(data):
        raise struct.error("the directory lies outside the file")
    (count,) = struct.unpack_from(layout.order + ("Q" if layout.big else "H"), data, offset)
    start = offset + (8 if layout.big else 2)
    end = start + count * layout.entry_size
    if end > len(data):
        raise struct.error("the directory reaches beyond the file")
    entries: dict[int, Entry] = {}
    for position in range(start, end, layout.entry_size):
        entry = _read_entry(data, layout, position)
        if entry is not None:
            entries.setdefault(entry.tag, entry)
    (following,) = struct.unpack_from(layout.order + ("Q" if layout.big else "I"), data, end)
    return entries, following


def _read_entry(data: bytes, layout: Layout, position: int) -> Entry | None:
    tag, kind, count = struct.unpack_from(layout.order + ("HHQ" if layout.big else "HHI"), data, position)
    value_at = position + (12 if layout.big else 8)
    size = count * VALUE_SIZES.get(kind, 0)
    if size == 0:
        return None
    offset = value_at
    if size > position + layout.entry_size - value_at:
        (offset,) = struct.unpack_from(layout.order + ("Q" if layout.big else "I"), data, value_at)
    if offset + size > len(data):
        return None
    return Entry(tag, kind, count, offset, size, data[position : position + layout.entry_size])


def integers(data: bytes, layout: Layout, entry: Entry | None) -> tuple[int, ...]:
    """Return the values of an entry of unsigned integers; () for a missing entry or another type."""
    if entry is None or entry.kind not in INTEGER_CODES:
        return ()
    return struct.unpack_from(f"{layout.order}{entry.count}{INTEGER_CODES[entry.kind]}", data, entry.offset)


def orientation(exif: bytes) -> int:
    """Return the orientation 1..8 of an EXIF block (a TIFF header and directory); 1 when it tells none.

    Broken EXIF is no fault of the image, so every error of reading it means 1.
    """
    exif = exif.removeprefix(b"Exif\x00\x00")
    if exif[:2] not in (b"II", b"MM"):
        return 1
    try:
        layout, offset = read_header(exif)
        entries, _ = read_directory(exif, layout, offset)
    except struct.error:
        return 1
    return orientation_of(exif, layout, entries)


def orientation_of(data: bytes, layout: Layout, entries: dict[int, Entry]) -> int:
    """Return the orientation that a directory holds; 1 when it holds none or one outside 1..8."""
    values = integers(data, layout, entries.get(ORIENTATION))
    return values[0] if len(values) == 1 and 1 <= values[0] <= 8 else 1
