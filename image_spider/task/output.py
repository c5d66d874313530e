"""What a task writes into its output folder: JSON lines while it runs, at its end files of the format asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

from image_spider.exceptions import StoreError, UsageError
from image_spider.task.completion import SHOWN_ITEMS
from image_spider.task.formats import check_format, write_csv, write_parquet
from image_spider.task.records import Kind, Record, Type

RESULT = "result.json"  # the completion, also when nobody took it
PARTIAL = ".partial"


class Output:
    """Appends records to `pages.jsonl.partial` and `images.jsonl.partial`; `finish` makes whole files of them.

    A file under its final name is whole. After a kill the lines that were written are in the partial files, which the
    next run in the folder writes anew. Blocks: call it from one thread at a time.
    """

    def __init__(self, *, folder: Path, file_format: str, columns: Mapping[Kind, Mapping[str, Type]]) -> None:
        self._folder = folder
        self._format = file_format
        self._columns = columns
        self._files: dict[Kind, FileIO] = {}
        self.count = 0
        self.first: list[dict[str, object]] = []  # records, each with its kind as `item`

    def open(self) -> None:
        """Make the folder and the partial files; raises UsageError when it cannot be written."""
        check_format(self._format)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for kind in self._columns:
                self._files[kind] = self._lines(kind).open("wb", buffering=0)
        except OSError as error:
            raise UsageError("OUTPUT_DIR", self._folder, f"a folder that can be written ({error.strerror})") from error

    def write(self, records: Sequence[tuple[Kind, Record]]) -> None:
        """Append records; they are with the system when it returns. Raises StoreError."""
        for kind, file in self._files.items():
            lines = [json.dumps(record, ensure_ascii=False) + "\n" for of, record in records if of == kind]
            try:
                _append(file, "".join(lines).encode("utf-8", "replace"))
            except OSError as error:
                raise self._error(error) from error
        self.count += len(records)
        for kind, record in records[: max(0, SHOWN_ITEMS - len(self.first))]:
            self.first.append({"item": kind, **record})

    def finish(self) -> list[Path]:
        """Write the files of the format; return them. Raises StoreError."""
        written = []
        failed: OSError | None = None
        for kind, file in self._files.items():
            try:
                with file:
                    os.fsync(file.fileno())
                written.append(self._finished(kind))
            except OSError as error:  # the other file may be written all the same
                failed = error
        if failed:
            raise self._error(failed) from failed
        return written

    def keep_result(self, body: dict[str, object]) -> None:
        """Write the completion; raises StoreError."""
        target = self._folder / RESULT
        partial = target.with_name(target.name + PARTIAL)
        try:
            partial.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8", errors="replace")
            partial.replace(target)
        except OSError as error:
            raise self._error(error) from error

    def _finished(self, kind: Kind) -> Path:
        lines, target = self._lines(kind), self._folder / f"{kind}s.{self._format}"
        if self._format == "jsonl":
            lines.replace(target)
            return target
        partial = target.with_name(target.name + PARTIAL)
        write = write_csv if self._format == "csv" else write_parquet
        write(lines, partial, self._columns[kind])
        partial.replace(target)
        lines.unlink()
        return target

    def _lines(self, kind: Kind) -> Path:
        return self._folder / f"{kind}s.jsonl{PARTIAL}"

    def _error(self, error: OSError) -> StoreError:
        return StoreError(f"the output in {self._folder} cannot be written: {error.strerror}")


def _append(file: FileIO, data: bytes) -> None:
    """Write all of it or nothing: a disk that is full takes half a line."""
    before = file.tell()
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        with suppress(OSError):
            file.seek(before)
            file.truncate()
        raise
