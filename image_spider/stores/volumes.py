"""A store of several volumes, each a store of its own: a file belongs on one of them, by its content."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from image_spider.exceptions import DamagedFile, StoreError, UnreadableFile
from image_spider.stores.ledger import Ledger, LedgerFile
from image_spider.stores.placement import by_preference
from image_spider.stores.store import Store, StoredFile

LABEL = ".volume"  # holds the volume's label: the name that it had when it was taken in
MAX_THREADS = 32

T = TypeVar("T")
logger = logging.getLogger(__name__)


class VolumeStore:
    """Volumes with their weights. Files are looked for on all of them, first where they belong, so that one which lies
    elsewhere is found: since a volume was added, or was full when the file was written.

    Each volume carries its label in a file. A volume without one, beside others that have one, is refused: it is new,
    and has to be taken in, or the folder where a disk is not mounted.
    """

    def __init__(self, volumes: Sequence[tuple[Store, float]]) -> None:
        self._volumes = volumes
        self._lock = threading.Lock()
        self._labelled: dict[str, Store] = {}
        self._weights: dict[str, float] = {}
        self._troubled: set[str] = set()

    @property
    def name(self) -> str:
        """The names of the volumes."""
        return ",".join(store.name for store, _ in self._volumes)

    @property
    def threads(self) -> int:
        """How many calls at a time are worth while."""
        return min(MAX_THREADS, sum(store.threads for store, _ in self._volumes))

    @property
    def parts(self) -> list[Store]:
        """The volumes as they are given, labelled or not."""
        return [store for store, _ in self._volumes]

    @property
    def volumes(self) -> dict[str, Store]:
        """The volumes by their labels. Raises StoreError for one that is not labelled, or has another one's label."""
        with self._lock:
            if not self._labelled:
                self._read_labels()
            return self._labelled

    def take_in(self) -> list[str]:
        """Label the volumes that are new; return their names."""
        with self._lock:
            new = [store for store, _ in self._volumes if _label_of(store) is None]
            for store in new:
                store.open()
                _write_label(store)
            self._read_labels()
        return [store.name for store in new]

    def place(self, path: str) -> str:
        """Return where the file under path belongs."""
        return self._stores(path)[0].place(path)

    def exists(self) -> bool:
        """Tell whether every volume is there."""
        return all(store.exists() for store, _ in self._volumes)

    def open(self) -> None:
        """Open every volume, and label them if none is. Labels are looked at before anything is made."""
        with self._lock:
            new = self._read_labels()
            for store, _ in self._volumes:
                store.open()
            for store in new:
                _write_label(store)
            if new:  # two that are one folder have one label now
                self._read_labels()

    def close(self) -> None:
        """Close every volume."""
        for store, _ in self._volumes:
            store.close()

    def give_up_when(self, ending: Callable[[], bool]) -> None:
        """Tell every volume."""
        for store, _ in self._volumes:
            store.give_up_when(ending)

    def preferred(self, path: str) -> list[str]:
        """Return the labels of the volumes in the order in which a file prefers them."""
        labels = self.volumes
        return by_preference(path, {label: self._weights[label] for label in labels})

    def write(self, path: str, data: bytes, *, durable: bool = True) -> bool:
        """Store data under path on the volume that prefers it most among those that take it.

        A volume that is full or away is left out, with one warning until it takes something again; when none takes the
        file, the first one's StoreError is raised.
        """
        stores, refusals = self._stores(path), list[StoreError]()
        for store in stores:
            try:
                found = store.size(path)
            except StoreError:  # it may have the file; another copy does no harm
                continue
            if found is not None:
                if found == len(data):
                    return False
                break
        for store in stores:
            try:
                new = store.write(path, data, durable=durable)
            except StoreError as error:
                refusals.append(error)
                self._complain(store, error)
            else:
                self._troubled.discard(store.name)
                return new
        raise refusals[0]

    def keep_names(self, paths: Collection[str]) -> None:
        """Tell every volume, as a file may lie on any."""
        for store in self.volumes.values():
            store.keep_names(paths)

    def remove(self, path: str) -> None:
        """Delete the file under path, wherever it lies."""
        for store in self._stores(path):
            store.remove(path)

    def size(self, path: str) -> int | None:
        """Return the size in bytes of the file under path; raise StoreError when a volume that may have it is away."""
        return self._find(path, lambda store: store.size(path))

    def read(self, path: str, *, size: int, sha256: str) -> bytes:
        """Return the bytes of the file under path; raise DamagedFile unless a volume has them so."""
        return self._whole(path, lambda store: store.read(path, size=size, sha256=sha256))

    def fetch(self, path: str) -> bytes:
        """Return the bytes of the file under path, whatever they are; raise DamagedFile when there is none."""
        return self._whole(path, lambda store: store.fetch(path))

    def files(self) -> Iterator[StoredFile]:
        """Yield every image file, volume by volume; one that lies on several volumes once."""
        for label, store in self.volumes.items():
            for file in store.files():
                before = self.preferred(file.path)
                before = before[: before.index(label)]
                if not any(self.volumes[other].size(file.path) is not None for other in before):
                    yield file

    def begin_ledger(self) -> Ledger:
        """Return a ledger for this process to write, on a volume of its choice."""
        return self._stores(f"{socket.gethostname()}-{os.getpid()}")[0].begin_ledger()

    def ledgers(self) -> list[LedgerFile]:
        """Return the ledgers of all volumes, the oldest first."""
        found = [file for store in self.volumes.values() for file in store.ledgers()]
        return sorted(found, key=lambda file: file.name)

    def _stores(self, path: str) -> list[Store]:
        return [self.volumes[label] for label in self.preferred(path)]

    def _find(self, path: str, look: Callable[[Store], T | None]) -> T | None:
        """Return what the first volume says that has the file.

        The first choice is asked once more at the end: a file that is moved while others are asked is there by then.
        """
        stores, away = self._stores(path), list[StoreError]()
        for store in (*stores, stores[0]):
            try:
                found = look(store)
            except StoreError as error:
                away.append(error)
                continue
            if found is not None:
                return found
        if away:
            raise away[0]
        return None

    def _whole(self, path: str, read: Callable[[Store], bytes]) -> bytes:
        """Return what the first volume gives that has the file whole; else one that cannot be read tells most."""
        damage: DamagedFile | None = None

        def look(store: Store) -> bytes | None:
            nonlocal damage
            try:
                return read(store)
            except DamagedFile as error:
                if not damage or _weight(error) > _weight(damage):
                    damage = error
                return None

        found = self._find(path, look)
        if found is None:
            assert damage
            raise damage
        return found

    def _complain(self, store: Store, error: StoreError) -> None:
        if store.name not in self._troubled:
            logger.warning("Files go to other volumes: %s", error)
        self._troubled.add(store.name)

    def _read_labels(self) -> list[Store]:
        """Read the labels of the volumes; return those that have none, which is all of them or nothing."""
        self._labelled = {}
        labels = [_label_of(store) for store, _ in self._volumes]
        new = [store for (store, _), label in zip(self._volumes, labels, strict=True) if label is None]
        if new and len(new) < len(labels):
            raise StoreError(
                f"the volume {new[0].name} has no label, and others have one: mount its disk, or, if it is new, "
                "take it in: scrapy catalog rebalance --take-in"
            )
        known = [label or store.name for (store, _), label in zip(self._volumes, labels, strict=True)]
        if twice := next((label for label in known if known.count(label) > 1), None):
            raise StoreError(
                f"two volumes are labelled {twice}: one is a copy of the other, or the same under two names"
            )
        self._labelled = dict(zip(known, (store for store, _ in self._volumes), strict=True))
        self._weights = dict(zip(known, (weight for _, weight in self._volumes), strict=True))
        return new


def _weight(damage: DamagedFile) -> int:
    """Return which of two to tell: a file that cannot be read may be whole, and one that is missing is elsewhere."""
    return 2 if isinstance(damage, UnreadableFile) else 0 if str(damage).endswith(": missing") else 1


def _label_of(store: Store) -> str | None:
    if store.size(LABEL) is None:
        return None
    return store.fetch(LABEL).decode("utf-8", "surrogateescape")


def _write_label(store: Store) -> None:
    store.write(LABEL, store.name.encode("utf-8", "surrogateescape"))
