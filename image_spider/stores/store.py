"""What every store can do, wherever its bytes lie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from image_spider.stores.ledger import Ledger, LedgerFile


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a store: its path, relative to the store, and its size in bytes."""

    path: str
    size: int


class Store(Protocol):
    """Whole files under relative paths, which are named after their content.

    Every method blocks and may be called from any thread, several at a time; none may be called on the reactor. What
    cannot be written or read raises StoreError, which names the store and the remedy.
    """

    @property
    def name(self) -> str:
        """The folder or URL of the store, without credentials: for people, and as a key that stays the same."""

    @property
    def threads(self) -> int:
        """How many calls at a time are worth while: what waits for a disk or a network is not computing."""

    def place(self, path: str) -> str:
        """Return where the file under path is, or belongs: for people."""

    def exists(self) -> bool:
        """Tell whether the store is there, without making it."""

    def open(self) -> None:
        """Prove that the store can be written, making it if that can be done."""

    def close(self) -> None:
        """Let connections end; the store may be used again afterwards."""

    def give_up_when(self, ending: Callable[[], bool]) -> None:
        """Wait for a store that is away only some seconds more, once this is true; it is asked in any thread."""

    def write(self, path: str, data: bytes, *, durable: bool = True) -> bool:
        """Store data under path, all of it or nothing; False when a file of this size is there already.

        What can be made again need not be durable.
        """

    def keep_names(self, paths: Collection[str]) -> None:
        """Make files that were written durably so under their names too; call it before another copy is deleted.

        Without it, a loss of power may forget the names of files of the last seconds.
        """

    def remove(self, path: str) -> None:
        """Delete the file under path, if there is one."""

    def size(self, path: str) -> int | None:
        """Return the size in bytes of the file under path, or None when there is none."""

    def read(self, path: str, *, size: int, sha256: str) -> bytes:
        """Return the bytes of the file under path; raise DamagedFile unless they have this size and SHA-256."""

    def fetch(self, path: str) -> bytes:
        """Return the bytes of the file under path, whatever they are; raise DamagedFile when there is none."""

    def files(self) -> Iterator[StoredFile]:
        """Yield every image file, in no order and lazily; thumbnails, ledgers and what is half-written are left out."""

    def begin_ledger(self) -> Ledger:
        """Return a ledger for this process to write; it is kept with the files, at the latest when it is closed."""

    def ledgers(self) -> list[LedgerFile]:
        """Return every ledger of the store that can be read from here, the oldest first."""
