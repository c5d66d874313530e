"""`scrapy mirrors`: how far the mirrors of the image store are behind, and what brings them up to date."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

from rich.console import Console
from scrapy.exceptions import UsageError as WrongArguments

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import behind, forget_mirror
from image_spider.catalog.files import count_recorded
from image_spider.command import ProjectCommand
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.exceptions import StoreError, UsageError
from image_spider.mirrors.catching_up import catch_up, queue_lacking
from image_spider.mirrors.copying import Copying
from image_spider.mirrors.opening import make_mirrors
from image_spider.mirrors.state import MirrorState, mirrors_table, states_of
from image_spider.progress_bar import ProgressBar
from image_spider.stores.store import Store

PIPE_WIDTH = 200  # characters


class Command(ProjectCommand):
    """Show how mirrors are, compare them, and copy what they lack."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--json] [--compare [--full]] [--copy] [--forget MIRROR]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Show how far the mirrors of the image store are behind; copy what they lack"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Show for each store of IMAGES_MIRRORS how many files and bytes it lacks, and since when. Crawls copy by "
            "themselves; --copy does it now, beside them or without any. --compare first asks the mirror for the file "
            "of every image: for a mirror that is new, or that somebody has changed. It may be interrupted at any "
            "point. Exit codes: 0 done, 1 with --copy or --compare when something is left, 2 wrong usage."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print as JSON")
        parser.add_argument("--copy", action="store_true", help="copy what is queued")
        parser.add_argument("--compare", action="store_true", help="queue what mirrors lack of all images")
        parser.add_argument("--full", action="store_true", help="with --compare: read each copy, not its size alone")
        parser.add_argument("--forget", metavar="MIRROR", help="delete the queue of a store that is a mirror no more")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Do it, then print how the mirrors are."""
        if args or (opts.full and not opts.compare) or (opts.forget and (opts.copy or opts.compare)):
            raise WrongArguments("no arguments are taken; --full goes with --compare, and --forget goes alone")
        mirrors = make_mirrors(settings)
        if not mirrors and (opts.copy or opts.compare):
            raise UsageError("IMAGES_MIRRORS", "", "the stores that are to have copies, for example /mnt/mirror")
        with ExitStack() as stack:
            store = command_store(settings)
            for one in (store, *mirrors):
                stack.callback(one.close)
            catalog = stack.enter_context(command_catalog(settings))
            catalog.open(create=False)
            if opts.forget:
                _forget(catalog, opts.forget, configured=[mirror.name for mirror in mirrors])
            compared = [_compare(catalog, mirror, full=opts.full) for mirror in mirrors if opts.compare]
            for mirror in mirrors if opts.copy else ():
                _copy(catalog, store, mirror)
            found = catalog.read(behind)
        states = states_of(found, configured=[mirror.name for mirror in mirrors], now=datetime.now(UTC))
        _print(states, as_json=opts.json)
        left = any(state.files for state in states if state.configured) or not all(compared)
        self.exitcode = 1 if left and (opts.copy or opts.compare) else 0


def _compare(catalog: Catalog, mirror: Store, *, full: bool) -> bool:
    """Queue what a mirror lacks, to its end or until it fails; nobody deletes there what has no row."""
    with ProgressBar(catalog.read(count_recorded), console=Console(stderr=True)) as bar:
        try:
            for checked in queue_lacking(catalog, mirror, full=full):
                for finding in checked.findings:
                    if finding.kind == "damaged":
                        bar.say(f"{mirror.name}: {finding.line()}")
                bar.advance(checked.files)
        except StoreError as error:  # the other mirrors are compared all the same
            bar.say(f"{mirror.name}: {error}")
            return False
    return True


def _copy(catalog: Catalog, store: Store, mirror: Store) -> None:
    copying = Copying(catalog=catalog, store=store, mirror=mirror)
    total = sum(state.files for state in catalog.read(behind) if state.mirror == mirror.name)
    try:
        with ProgressBar(total, console=Console(stderr=True), unit="files") as bar:
            for copied in catch_up(catalog, copying):
                for line in (*copied.damaged, *filter(None, [copied.away])):
                    bar.say(f"{mirror.name}: {line}")
                bar.advance(copied.files)
            if not copied.away and (left := _claimed(catalog, mirror)):
                bar.say(f"{mirror.name}: {left:,} files are being copied by others, or were by somebody who was killed")
    finally:
        copying.close()


def _claimed(catalog: Catalog, mirror: Store) -> int:
    """Return how many files are left though none of them failed."""
    return sum(state.files - state.failing for state in catalog.read(behind) if state.mirror == mirror.name)


def _forget(catalog: Catalog, mirror: str, *, configured: Sequence[str]) -> None:
    if mirror in configured:
        raise UsageError("--forget", mirror, "a store that is not in IMAGES_MIRRORS any more")
    number = catalog.transaction(partial(forget_mirror, mirror=mirror))
    Console(stderr=True, highlight=False, markup=False).print(f"{number:,} copies forgotten")


def _print(states: Sequence[MirrorState], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([state.to_json() for state in states], indent=2))  # noqa: T201
        return
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=PIPE_WIDTH)
    console.print(mirrors_table(states))
