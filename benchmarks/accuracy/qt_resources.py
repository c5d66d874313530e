"""The file names and contents of a compiled Qt resource (.rcc), in which some Debian packages carry photographs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_COMPRESSED, _FOLDER = 1, 2


def read_resources(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (inner path, content) of each stored or zlib-compressed file; zstd-compressed ones are passed over.

    The layout is that of Qt's rcc.cpp: header "qres", version, offsets of tree, data and names; tree entries of 14
    (version 1) or 22 bytes, folders with (count, first child), files with (territory, language, data offset).
    """
    blob = path.read_bytes()
    magic, version, tree, data, names = struct.unpack_from(">4siiii", blob)
    if magic != b"qres":
        raise ValueError(f"{path} is not a Qt resource")
    entry_size = 14 if version == 1 else 22
    pending = [(0, "")]
    while pending:
        index, parent = pending.pop()
        entry = tree + index * entry_size
        name_offset, flags = struct.unpack_from(">iH", blob, entry)
        inner = f"{parent}/{_name(blob, names + name_offset)}" if index else ""
        if flags & _FOLDER:
            count, first = struct.unpack_from(">ii", blob, entry + 6)
            pending.extend((child, inner) for child in range(first, first + count))
            continue
        (offset,) = struct.unpack_from(">i", blob, entry + 10)
        (size,) = struct.unpack_from(">i", blob, data + offset)
        content = blob[data + offset + 4 : data + offset + 4 + size]
        if flags & _COMPRESSED:
            content = zlib.decompress(content[4:])
        if flags in (0, _COMPRESSED):
            yield inner.lstrip("/"), content


def _name(blob: bytes, offset: int) -> str:
    (length,) = struct.unpack_from(">h", blob, offset)
    return blob[offset + 6 : offset + 6 + 2 * length].decode("utf-16-be")
