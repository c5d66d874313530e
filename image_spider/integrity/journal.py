"""The journal of a check, so that one which was ended at any point goes on where it was."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from image_spider.exceptions import StoreError
from image_spider.integrity.check import Checked
from image_spider.integrity.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier run has looked at: so many files up to `after`, and what it found."""

    begun: str
    files: int = 0
    after: str = ""
    findings: tuple[Finding, ...] = ()


class Journal:
    """An append-only file, a JSON line a batch, locked by the one check that writes it and deleted at its end.

    Entered, it is locked and read: `before` is what an earlier run of the same check did, nothing if it is to begin
    anew. subject says what is checked and how; what was noted of another subject is dropped.
    """

    def __init__(self, file: Path, *, subject: dict[str, object], anew: bool = False) -> None:
        self._path = file
        self._subject = subject
        self._anew = anew
        self.before = Before(begun=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")

    def __enter__(self) -> Self:
        """Lock and read it; raises StoreError while another check runs."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StoreError(f"another check is running: it has locked {self._path}") from None
        self._file.seek(0)
        before = None if self._anew else self._read(self._file.read())
        if before:
            self.before = before
        else:
            self._file.truncate(0)
            self._add({"subject": self._subject, "begun": self.before.begun})
        return self

    def __exit__(self, *_: object) -> None:
        """Unlock it."""
        self._file.close()

    def end(self) -> None:
        """Delete it: the check has come to its end."""
        self._path.unlink(missing_ok=True)

    def add(self, checked: Checked) -> None:
        """Note a batch; it counts once this returns, for a kill of the process at least."""
        findings = [asdict(finding) for finding in checked.findings]
        self._add({"files": checked.files, "after": checked.after, "findings": findings})

    def _add(self, values: dict[str, object]) -> None:
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()

    def _read(self, text: str) -> Before | None:
        """Read the lines; the last one may be half a line, which is left out, as its batch will be looked at again."""
        lines = text.split("\n")
        if lines[-1]:
            self._file.write("\n")
        whole = [values for line in lines if (values := _object(line))]
        if not whole or whole[0].get("subject") != self._subject:
            return None
        batches = whole[1:]
        return Before(
            begun=str(whole[0]["begun"]),
            files=sum(batch["files"] for batch in batches),
            after=batches[-1]["after"] if batches else "",
            findings=tuple(Finding(**finding) for batch in batches for finding in batch["findings"]),
        )


def _object(line: str) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
