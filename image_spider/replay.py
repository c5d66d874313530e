"""A replay: the sightings and images that the ledgers of the store know and the catalog does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.queries import known_images
from image_spider.catalog.recovered import record_missing_crawls, unrecorded, write_recovered
from image_spider.exceptions import DamagedFile
from image_spider.items import Image
from image_spider.stores.ledger import Line, read_ledger
from image_spider.stores.store import Store

BATCH_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of one batch of lines, of so many bytes.

    missing is the number of sightings that the catalog lacks and whose image file is there, written how many of them
    were committed. torn are the places of lines that cannot be read; damaged names, once each, the files that are
    missing or not what was stored, whose rows are not made.
    """

    bytes: int
    missing: int
    written: int
    torn: tuple[str, ...]
    damaged: tuple[str, ...]


class Replay:
    """Reads every ledger of a store. It may be interrupted at any point: what is written is not missing any more."""

    def __init__(self, *, catalog: Catalog, store: Store) -> None:
        self._catalog = catalog
        self._store = store
        self._named: set[str] = set()

    def size(self) -> int:
        """Return how many bytes there are to read."""
        return sum(file.bytes for file in self._store.ledgers())

    def lines(self) -> int:
        """Return how many sightings the ledgers tell of, some of them more than once."""
        return sum(1 for file in self._store.ledgers() for line in read_ledger(file) if line.item)

    def batches(self, *, write: bool) -> Iterator[Replayed]:
        """Read the ledgers batch by batch; write what is missing if asked to, each batch in a transaction.

        To write, a file is read and its SHA-256 compared before its image is given a row; to look, its size is enough.
        Raises StoreError and CatalogError.
        """
        lines = chain.from_iterable(read_ledger(file) for file in self._store.ledgers())
        with ThreadPoolExecutor(max_workers=self._store.threads, thread_name_prefix="replay") as threads:
            while batch := list(islice(lines, BATCH_LINES)):
                yield self._replay(batch, threads, write=write)
        if write:
            self._catalog.transaction(record_missing_crawls)

    def _replay(self, lines: Sequence[Line], threads: ThreadPoolExecutor, *, write: bool) -> Replayed:
        items = [line.item for line in lines if line.item]
        with self._catalog.reading() as connection:
            missing = unrecorded(connection, items)
            pictures = {item.image.sha256: item.image for item in missing if item.image}
            known = set(known_images(connection, pictures))
        unknown = [image for sha256, image in pictures.items() if sha256 not in known]
        faults = threads.map(partial(self._fault, read=write), unknown)
        damaged = {image.sha256: fault for image, fault in zip(unknown, faults, strict=True) if fault}
        whole = [item for item in missing if not (item.image and item.image.sha256 in damaged)]
        if write and whole:
            self._catalog.transaction(partial(write_recovered, items=whole))
        newly = {sha256: line for sha256, line in damaged.items() if sha256 not in self._named}
        self._named |= newly.keys()
        return Replayed(
            bytes=sum(line.bytes for line in lines),
            missing=len(whole),
            written=len(whole) if write else 0,
            torn=tuple(line.place for line in lines if line.item is None),
            damaged=tuple(newly.values()),
        )

    def _fault(self, image: Image, *, read: bool) -> str:
        """Return what is wrong with the file of an image, or nothing."""
        try:
            if read:
                self._store.read(image.path, size=image.bytes, sha256=image.sha256)
            elif (size := self._store.size(image.path)) != image.bytes:
                return f"{self._store.place(image.path)}: {'missing' if size is None else 'of another size'}"
        except DamagedFile as error:
            return str(error)
        return ""
