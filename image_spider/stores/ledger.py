"""Ledgers: what was recorded of images and where they were seen, kept beside their files, a JSON line per sighting.

They are the sidecars from which the catalog can be made again (docs/decisions/0016-backups.md): append-only files below
`.ledgers` in the store, one after the other for each worker process, never rewritten, for an image alone would cost a
file's creation. Object stores cannot append: there they are written on this machine and uploaded when they are complete
(docs/decisions/0023-stores.md). Left out are scores, hashes and links, which the image file tells again, and failures.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from image_spider.exceptions import StoreError
from image_spider.items import Candidate, Image, ImageItem, Topic

FOLDER = ".ledgers"
SUFFIX = ".jsonl"
ROTATED_BYTES = 64 * 2**20
_IMAGE = tuple(field.name for field in fields(Image) if field.name != "understanding")
_CANDIDATE = tuple(field.name for field in fields(Candidate) if field.name not in ("data", "media_type"))


class Ledger:
    """The ledger that one process writes; its methods block, and may be called from any thread.

    A file that has so many bytes or is so old when it is written to is complete: another one follows. completed is
    called with each complete file, and must neither block nor raise.
    """

    def __init__(
        self,
        root: Path,
        *,
        rotated_bytes: int = ROTATED_BYTES,
        rotated_seconds: float = math.inf,
        completed: Callable[[Path], None] | None = None,
    ) -> None:
        self._folder = root / FOLDER
        self._rotated_bytes = rotated_bytes
        self._rotated_seconds = rotated_seconds
        self._completed = completed
        self._begun = 0.0
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._number = 0

    def append(self, items: Iterable[ImageItem]) -> None:
        """Write a line for each item that has no failure, all in one write that the kernel has when this returns.

        There is no fsync: a kill of the process costs nothing, a loss of power the lines of the last seconds. Raises
        StoreError.
        """
        data = b"".join(_line(item) for item in items if item.failure is None)
        if not data:
            return
        with self._lock:
            try:
                file = self._file or self._open()
                left = memoryview(data)
                while left:  # a disk that fills up takes a part
                    left = left[file.write(left) :]
                old = time.monotonic() - self._begun >= self._rotated_seconds
                if old or file.tell() >= self._rotated_bytes:
                    self._close()
            except OSError as error:
                self._close()  # the next line must not stand behind half a line
                raise StoreError(
                    f"cannot write to the ledger in {self._folder}: {error.strerror or error}. "
                    "Mend its space or permissions, or set IMAGES_STORE (with a bucket: DATA_DIR) to another folder."
                ) from error

    def close(self) -> None:
        """Close the file; another append would begin a new one."""
        with self._lock:
            self._close()

    def _open(self) -> FileIO:
        """Begin a file, named so that names sort by time and no two processes ever share one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{socket.gethostname()}-{os.getpid()}-{self._number}{SUFFIX}"
        self._path = self._folder / name
        self._file = self._path.open("xb", buffering=0)
        if self._completed:  # then others look for what nobody writes any more
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._begun = time.monotonic()
        return self._file

    def _close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
            if self._completed:
                self._completed(self._path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a ledger: where it stands, its length in bytes, and its item; None for one that cannot be read."""

    place: str
    bytes: int
    item: ImageItem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFile:
    """A ledger that can be read: its name, by which ledgers sort by time, where it is, and its bytes."""

    name: str
    place: str
    bytes: int
    open: Callable[[], BinaryIO]


def ledgers(root: Path) -> list[LedgerFile]:
    """Return the ledgers below a folder, the oldest first."""
    files = sorted((root / FOLDER).glob(f"*{SUFFIX}"))
    return [
        LedgerFile(name=file.name, place=str(file), bytes=file.stat().st_size, open=partial(_stream, file))
        for file in files
    ]


def _stream(file: Path) -> BinaryIO:
    return file.open("rb")


def read_ledger(file: LedgerFile) -> Iterator[Line]:
    """Yield the lines of a ledger; a kill may have torn the last one. Raises StoreError."""
    try:
        with file.open() as lines:
            for number, line in enumerate(lines, 1):
                yield Line(place=f"{file.place}:{number}", bytes=len(line), item=_item(line))
    except OSError as error:
        raise StoreError(f"cannot read the ledger {file.place}: {error.strerror or error}") from error


def sha256s_told(files: Iterable[LedgerFile], sha256s: Collection[str]) -> set[str]:
    """Return those of the images that a ledger tells of. Raises StoreError when one cannot be read."""
    lines = (line.item for file in files for line in read_ledger(file))
    return {item.image.sha256 for item in lines if item and item.image and item.image.sha256 in sha256s}


def _line(item: ImageItem) -> bytes:
    """Return an item as a line, without what is empty."""
    candidate, image = item.candidate, item.image
    values: dict[str, Any] = {
        "crawl_id": item.crawl_id,
        "page_url": item.page_url,
        "page_title": item.page_title,
        "seen_at": item.seen_at.isoformat(),
        "fetched_at": item.fetched_at and item.fetched_at.isoformat(),
        "candidate": {name: value for name in _CANDIDATE if (value := getattr(candidate, name))},
        "topics": [(topic.name, topic.score) for topic in item.topics],
        "image": image and {name: getattr(image, name) for name in _IMAGE},
    }
    text = json.dumps({name: value for name, value in values.items() if value}, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _item(line: bytes) -> ImageItem | None:
    """Read what _line wrote; None for anything else."""
    try:
        values: dict[str, Any] = json.loads(line.decode("utf-8", "surrogatepass")) if line.endswith(b"\n") else {}
        candidate = values["candidate"] | {"alternatives": tuple(values["candidate"].get("alternatives", ()))}
        fetched_at = values.get("fetched_at")
        return ImageItem(
            candidate=Candidate(**candidate),
            page_url=values["page_url"],
            page_title=values.get("page_title", ""),
            crawl_id=values["crawl_id"],
            seen_at=datetime.fromisoformat(values["seen_at"]),
            topics=tuple(Topic(name, score, "words") for name, score in values.get("topics", ())),
            image=Image(**values["image"]) if "image" in values else None,
            fetched_at=datetime.fromisoformat(fetched_at) if fetched_at else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
