"""The folder of the backups: a folder each, named by its id, that appears whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from image_spider.catalog.backups.manifest import Manifest
from image_spider.exceptions import BackupError
from image_spider.fsync import fsync

MANIFEST = "manifest.json"
PARTIAL = ".partial-"  # a folder that is being written or deleted
LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup as it lies there: its manifest, or the problem that makes it none; a small problem leaves both."""

    folder: Path
    manifest: Manifest | None
    problem: str

    @property
    def id(self) -> str:
        """The id, which is the folder's name."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """The file that holds the catalog; raises BackupError when the manifest does not tell."""
        if self.manifest is None:
            raise BackupError(f"the backup {self.id} cannot be used: {self.problem}")
        return self.folder / self.manifest.file


class BackupFolder:
    """Backups below one root. Its methods block, and raise BackupError when the disk says no."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing here; what a killed one left half done is removed."""
        with self._errors("write to"):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / LOCK).open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"another backup or restore is using {self.root}: let it end first") from None
            with self._errors("write to"):
                for left in self.root.glob(f"{PARTIAL}*"):
                    shutil.rmtree(left)
            yield

    def add(self, write: Callable[[Path, str], Manifest]) -> Backup:
        """Let `write` fill a hidden folder for a backup of this id, then show it under its name; needs the lock.

        `write` makes the file of the manifest that it returns. What it raises leaves nothing behind.
        """
        backup_id = self._new_id()
        partial = self.root / f"{PARTIAL}{backup_id}"
        with self._errors("write to"):
            partial.mkdir()
            try:
                manifest = write(partial, backup_id)
                (partial / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
                for path in (partial / manifest.file, partial / MANIFEST, partial):
                    fsync(path)
                partial.rename(self.root / backup_id)
                fsync(self.root)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        return Backup(folder=self.root / backup_id, manifest=manifest, problem="")

    def backups(self) -> list[Backup]:
        """Return what lies here, newest first, damaged backups with their problem; files are not read through."""
        with self._errors("read"):
            names = (
                [path for path in self.root.iterdir() if not path.name.startswith(".")] if self.root.exists() else []
            )
            return [_look_at(path) for path in sorted(names, reverse=True)]

    def find(self, backup_id: str) -> Backup:
        """Return the backup of this id; raises BackupError when there is none."""
        for backup in self.backups():
            if backup.id == backup_id:
                return backup
        raise BackupError(f"there is no backup {backup_id!r} in {self.root}: `scrapy catalog backups` lists them")

    def check(self, backup: Backup) -> Manifest:
        """Return the manifest of a backup whose file has the size and SHA-256 that it names; else BackupError."""
        if backup.problem or backup.manifest is None:
            raise BackupError(f"the backup {backup.id} is damaged: {backup.problem}")
        with self._errors("read"):
            found = file_sha256(backup.file)
        if found != backup.manifest.sha256:
            raise BackupError(f"the backup {backup.id} is damaged: the SHA-256 of {backup.file} is not its manifest's")
        return backup.manifest

    def remove(self, backup: Backup) -> None:
        """Delete a backup: hidden at once, then its files; needs the lock."""
        with self._errors("delete from"):
            hidden = self.root / f"{PARTIAL}{backup.id}"
            backup.folder.rename(hidden)
            shutil.rmtree(hidden)

    def _new_id(self) -> str:
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        taken = {backup.id for backup in self.backups()}
        return next(new for new in (name, *(f"{name}-{n}" for n in range(2, 1000))) if new not in taken)

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise BackupError(
                f"cannot {verb} the backups in {self.root}: {reason}. "
                "Mend its space or permissions, or set BACKUPS_DIR to another folder."
            ) from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _look_at(folder: Path) -> Backup:
    """Return a backup with its problem, if the look at its manifest and the size of its file shows one."""
    manifest = None
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        size = (folder / manifest.file).stat().st_size
        problem = "" if size == manifest.bytes else f"{manifest.file} has {size:,} bytes instead of {manifest.bytes:,}"
    except BackupError as error:
        problem = str(error)
    except FileNotFoundError as error:
        problem = f"{Path(error.filename).name} is missing"
    except (OSError, UnicodeDecodeError) as error:
        problem = f"it cannot be read: {error}"
    return Backup(folder=folder, manifest=manifest, problem=problem)
