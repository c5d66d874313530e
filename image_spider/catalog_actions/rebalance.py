"""Move image files to the volumes of IMAGES_STORE where they belong, after one was added, removed or full. --take-in
labels volumes that are new; start the workers anew with the new list before the files are moved. --from STORE moves
everything from another folder, bucket or former volume into IMAGES_STORE, ledgers included. It may be interrupted at
any point and run again, also while crawls run. The exit code is 0 when every file is where it belongs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

from rich.console import Console
from rich.filesize import decimal

from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.exceptions import StoreError, UsageError
from image_spider.progress_bar import ProgressBar
from image_spider.stores.rebalance import Move, carry_out, everything_of, misplaced, move_ledgers
from image_spider.stores.sameness import share_a_place
from image_spider.stores.store import Store
from image_spider.stores.volumes import VolumeStore

SUMMARY = "move image files to the volumes where they belong, or from another store"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take --take-in, --from and --dry-run."""
    parser.add_argument("--take-in", action="store_true", help="label the volumes that are new, and move nothing")
    parser.add_argument("--from", dest="source", metavar="STORE", help="a folder, s3:// or gs:// to be emptied")
    parser.add_argument("--dry-run", action="store_true", help="only count what would be moved")


def run(options: argparse.Namespace, settings: Config) -> int:
    """Count, then move with a progress bar on standard error."""
    store = command_store(settings)
    if options.take_in:
        return _take_in(_volumes(store))
    store.open()
    try:
        if not options.source:
            return _move(partial(misplaced, _volumes(store)), store, dry=options.dry_run)
        source = command_store(settings, options.source)
        if source.name in store.name.split(","):
            raise UsageError("--from", options.source, "another store than IMAGES_STORE and its volumes")
        if not source.exists():
            raise StoreError(f"there is no store {source.name}")
        if share_a_place(source, store):
            raise UsageError("--from", options.source, "another store: this one is IMAGES_STORE, or a volume of it")
        left = _move(partial(everything_of, source, store), store, dry=options.dry_run)
        if not options.dry_run:
            print(f"{move_ledgers(source, store):,} ledgers moved")  # noqa: T201
        return left
    finally:
        store.close()


def _volumes(store: Store) -> VolumeStore:
    if not isinstance(store, VolumeStore):
        raise UsageError("IMAGES_STORE", store.name, "several volumes, comma-separated, or give --from")
    return store


def _take_in(store: VolumeStore) -> int:
    for name in store.take_in():
        print(f"{name} is a volume of the store now")  # noqa: T201
    print(f"{len(store.volumes)} volumes. Start the workers anew, then run `scrapy catalog rebalance`.")  # noqa: T201
    return 0


def _move(moves: partial[Iterator[Move]], store: Store, *, dry: bool) -> int:
    count = size = 0
    for move in moves():
        count += 1
        size += move.file.size
    if dry or not count:
        print(f"{count:,} files of {decimal(size)} to move")  # noqa: T201
        return 0
    moved = moved_bytes = damaged = 0
    with ProgressBar(count, console=Console(stderr=True), unit="files") as bar:
        for batch in carry_out(moves(), threads=store.threads):
            for line in batch.damaged:
                bar.say(line)
            bar.advance(batch.files + len(batch.damaged))
            moved += batch.files
            moved_bytes += batch.bytes
            damaged += len(batch.damaged)
    print(f"{moved:,} files of {decimal(moved_bytes)} moved; {damaged:,} damaged ones stay where they are")  # noqa: T201
    return 1 if damaged else 0
