"""A store in a folder of this machine: whole files or none."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePosixPath

from image_spider.exceptions import DamagedFile, StoreError, UnreadableFile
from image_spider.fsync import fsync
from image_spider.stores.ledger import Ledger, LedgerFile, ledgers
from image_spider.stores.paths import FOLDER_DIGITS, is_image_path
from image_spider.stores.store import StoredFile

PARTIAL = ".partial"  # files being written: a kill leaves them here, never in place
_STARTED = time.time()  # before anything that this process writes
THREADS = 4  # an fsync takes milliseconds, during which others can go on


class LocalStore:
    """Files below one root. Its methods block, and raise StoreError when the disk says no."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._partial = self.root / PARTIAL / socket.gethostname()

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.root)

    @property
    def threads(self) -> int:
        """How many calls at a time are worth while."""
        return THREADS

    def place(self, path: str) -> str:
        """Return where the file under path is, or belongs."""
        return str(self.root / path)

    def exists(self) -> bool:
        """Tell whether the folder is there."""
        return self.root.is_dir()

    def open(self) -> None:
        """Create the root, prove that it can be written and remove what killed workers of this host left."""
        probe = self._partial / f"{os.getpid()}.probe"
        try:
            self._partial.mkdir(parents=True, exist_ok=True)
            for left in self._partial.iterdir():
                if _is_abandoned(left):
                    left.unlink(missing_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise self._error("write to", error) from error

    def close(self) -> None:
        """Do nothing: nothing is held open between two calls."""

    def give_up_when(self, ending: Callable[[], bool]) -> None:
        """Do nothing: a disk that refuses is not waited for."""

    def write(self, path: str, data: bytes, *, durable: bool = True) -> bool:
        """Store data under path: write, fsync, rename, so that a crash at any moment leaves a whole file or none.

        Paths are named after their content: a file of the right size is there already, and False is returned.
        What can be made again need not be durable: without the fsync, some milliseconds, a loss of power may leave
        an empty file. The folder is not fsynced, which would cost as much again for each image of a crawl: see
        keep_names.
        """
        if self.size(path) == len(data):
            return False
        target = self.root / path
        partial = self._partial / f"{os.getpid()}.{threading.get_ident()}.{target.name}"
        try:
            with partial.open("xb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            try:
                partial.replace(target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                partial.replace(target)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise self._error("write to", error) from error
        return True

    def keep_names(self, paths: Collection[str]) -> None:
        """Fsync the folders of these files, and those above them, which may be new; each once.

        Some at once, which the kernel joins: of 64 files that costs 0.28 ms each, one after the other 2.3.
        """
        folders = {parent for path in paths for parent in PurePosixPath(path).parents}
        try:
            with ThreadPoolExecutor(THREADS, thread_name_prefix="fsync") as threads:
                list(threads.map(_fsync, [self.root / folder for folder in folders]))
        except OSError as error:
            raise self._error("write to", error) from error

    def remove(self, path: str) -> None:
        """Delete the file under path, if there is one."""
        try:
            (self.root / path).unlink(missing_ok=True)
        except OSError as error:
            raise self._error("delete from", error) from error

    def size(self, path: str) -> int | None:
        """Return the size in bytes of the file under path, or None when there is none."""
        try:
            return (self.root / path).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error("read from", error) from error

    def read(self, path: str, *, size: int, sha256: str) -> bytes:
        """Return the bytes of the file under path; raise DamagedFile unless they have this size and SHA-256."""
        file = self.root / path
        try:
            found = file.stat().st_size
            if found != size:  # it is not read: whatever lies there may be of any size
                raise DamagedFile(f"{file}: {found:,} bytes instead of {size:,}")
            data = file.read_bytes()
        except FileNotFoundError:
            raise DamagedFile(f"{file}: missing") from None
        except OSError as error:
            raise UnreadableFile(f"{file}: cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedFile(f"{file}: its SHA-256 is not that of its name")
        return data

    def fetch(self, path: str) -> bytes:
        """Return the bytes of the file under path, whatever they are; raise DamagedFile when there is none."""
        file = self.root / path
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise DamagedFile(f"{file}: missing") from None
        except OSError as error:
            raise UnreadableFile(f"{file}: cannot be read: {error.strerror or error}") from error

    def files(self) -> Iterator[StoredFile]:
        """Yield every image file, folder by folder in the order of their names."""
        try:
            for first in _folders(self.root):
                for second in _folders(first):
                    yield from _images(second, f"{first.name}/{second.name}")
        except OSError as error:
            raise self._error("read from", error) from error

    def begin_ledger(self) -> Ledger:
        """Return a ledger for this process to write."""
        return Ledger(self.root)

    def ledgers(self) -> list[LedgerFile]:
        """Return the ledgers of every process that ever wrote, the oldest first."""
        return ledgers(self.root)

    def _error(self, verb: str, error: OSError) -> StoreError:
        return StoreError(
            f"cannot {verb} the image store {self.root}: {error.strerror or error}. "
            "Mend its space or permissions, or set IMAGES_STORE to another folder."
        )


def _fsync(folder: Path) -> None:
    """Fsync a folder, if it is there: of several volumes another one has the file."""
    with suppress(FileNotFoundError):
        fsync(folder)


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are named like the start of a digest, sorted."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if len(entry.name) == FOLDER_DIGITS and entry.is_dir()]
    return [folder / name for name in sorted(names)]


def _images(folder: Path, prefix: str) -> Iterator[StoredFile]:
    """Yield the image files in a folder whose path in the store is the prefix."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{prefix}/{entry.name}"
            try:
                size = entry.stat().st_size if is_image_path(path) and entry.is_file() else None
            except FileNotFoundError:  # deleted since
                continue
            if size is not None:
                yield StoredFile(path, size)


def _is_abandoned(partial: Path) -> bool:
    """Tell whether no living process writes a partial file; its name begins with the process id."""
    pid = partial.name.partition(".")[0]
    if not pid.isdigit():  # not ours
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's process
        return False
    if int(pid) != os.getpid():
        return False
    try:  # a restarted container gives the same id
        return partial.stat().st_mtime < _STARTED
    except FileNotFoundError:  # written meanwhile
        return False
