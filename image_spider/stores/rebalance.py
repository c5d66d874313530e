"""A rebalance: files moved to the volumes where they belong, or from another store into this one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from image_spider.exceptions import DamagedFile
from image_spider.stores.ledger import FOLDER
from image_spider.stores.paths import sha256_of, thumbnail_path
from image_spider.stores.store import Store, StoredFile
from image_spider.stores.volumes import VolumeStore

BATCH_FILES = 64  # between two looks at the progress


@dataclass(frozen=True, slots=True)
class Move:
    """A file that is to leave one store for another."""

    file: StoredFile
    source: Store
    target: Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of one batch: files moved and their bytes, and a line for each that is damaged and stayed."""

    files: int
    bytes: int
    damaged: tuple[str, ...]


def misplaced(store: VolumeStore) -> Iterator[Move]:
    """Yield the files that lie on another volume than the one where they belong."""
    volumes = store.volumes
    for label, volume in volumes.items():
        for file in volume.files():
            home = store.preferred(file.path)[0]
            if home != label:
                yield Move(file, volume, volumes[home])


def everything_of(source: Store, target: Store) -> Iterator[Move]:
    """Yield all files of a store that is to be emptied."""
    return (Move(file, source, target) for file in source.files())


def carry_out(moves: Iterator[Move], *, threads: int) -> Iterator[Moved]:
    """Move files, some at a time; yield each batch when it is done. Raises StoreError.

    A file is deleted where it was when it is durable where it belongs and was read whole, so an interruption at any
    point leaves it on one volume or on both, and the next rebalance goes on.
    """
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="rebalance") as pool:
        while batch := list(islice(moves, BATCH_FILES)):
            faults = list(pool.map(_copy, batch))
            safe = [move for move, fault in zip(batch, faults, strict=True) if fault == ""]
            for target in {id(move.target): move.target for move in batch}.values():
                target.keep_names([move.file.path for move in safe if move.target is target])
            list(pool.map(_leave, safe))
            moved = [move.file.size for move, fault in zip(batch, faults, strict=True) if not fault]
            yield Moved(files=len(moved), bytes=sum(moved), damaged=tuple(filter(None, faults)))


def move_ledgers(source: Store, target: Store) -> int:
    """Move the ledgers of a store that nobody writes to; return how many. Raises StoreError."""
    files = source.ledgers()
    for file in files:
        with file.open() as lines:
            target.write(f"{FOLDER}/{file.name}", lines.read())
        target.keep_names([f"{FOLDER}/{file.name}"])
        source.remove(f"{FOLDER}/{file.name}")
    return len(files)


def _copy(move: Move) -> str | None:
    """Copy one file; return what is wrong with it, nothing if it is whole at both ends, None if it has gone."""
    file, source, target = move.file, move.source, move.target
    sha256 = sha256_of(file.path)
    try:
        if not target.write(file.path, source.read(file.path, size=file.size, sha256=sha256)):
            target.read(
                file.path, size=file.size, sha256=sha256
            )  # it was there: before the other one goes, is it whole?
    except DamagedFile as error:
        if source.size(file.path) is None:  # deleted, or moved by another rebalance
            return None
        return str(error)
    return ""


def _leave(move: Move) -> None:
    """Move the thumbnail of a file that is safe where it belongs, and delete the file where it was."""
    file, source, target = move.file, move.source, move.target
    thumbnail = thumbnail_path(file.path)
    if source.size(thumbnail) is not None:
        with suppress(DamagedFile):  # gone meanwhile, and it can be made again
            target.write(thumbnail, source.fetch(thumbnail), durable=False)
        source.remove(thumbnail)
    source.remove(file.path)
