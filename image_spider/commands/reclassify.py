"""`scrapy reclassify`: the classes of the images by the rules of this version."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console
from scrapy.exceptions import UsageError

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.measurements import measure_all_anew
from image_spider.catalog.reclassification import count_outdated, reclassify
from image_spider.command import ProjectCommand
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.decoders import Decoders
from image_spider.exceptions import StoreError
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.imaging.rules import RULES_VERSION
from image_spider.progress_bar import ProgressBar
from image_spider.rescan import Rescan
from image_spider.topics.labeller import Labeller


class Command(ProjectCommand):
    """Make flags, quality and content kind anew; with --rescan, scores, hashes and duplicates too."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--rescan [--all]]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Make flags, quality and content of the images anew, after a change of the rules"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Make flags, quality and content of every image that older rules classified anew, from its stored scores; "
            "no file is read. With --rescan the stored files are read, and scores, hashes and links to duplicates made "
            "anew as well, of the images that this version has not measured (and, with LABEL_MODEL, that this model "
            "has not labelled). Either may be interrupted, by kill -9 too: run again, without --all, it goes on with "
            "what is left."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--rescan", action="store_true", help="measure the stored files anew")
        parser.add_argument("--all", action="store_true", help="with --rescan: begin with every image again")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Reclassify, with progress on standard error."""
        if args or (opts.all and not opts.rescan):
            raise UsageError("no arguments are taken, and --all goes with --rescan")
        with command_catalog(settings) as catalog:
            catalog.open(create=False)
            if opts.rescan:
                self.exitcode = rescan(catalog, settings, everything=opts.all)
            else:
                _reclassify(catalog)


def rescan(catalog: Catalog, settings: Config, *, everything: bool = False) -> int:
    """Measure the stored files; return the exit code, which is 1 when some of them could not be."""
    return asyncio.run(_rescan(catalog, settings, everything=everything))


async def _rescan(catalog: Catalog, settings: Config, *, everything: bool) -> int:
    store = command_store(settings)
    if not await asyncio.to_thread(store.exists):
        raise StoreError(f"there is no image store {store.name}: set IMAGES_STORE to the one of the catalog")
    model = settings.LABEL_MODEL
    labeller = await Labeller.load(model, threads=settings.LABEL_THREADS) if model else None
    if everything:
        await asyncio.to_thread(measure_all_anew, catalog)
    decoders = Decoders(settings)
    link = settings.DUPLICATES != "keep"
    rescan = Rescan(catalog=catalog, store=store, decoders=decoders, labeller=labeller, link=link)
    measured = damaged = unmeasured = 0
    try:
        with ProgressBar(await rescan.count(), console=Console(stderr=True)) as bar:
            async for batch in rescan.batches():
                for line in (*batch.damaged, *batch.unmeasured):
                    bar.say(line)
                bar.advance(batch.measured + len(batch.damaged) + len(batch.unmeasured))
                measured += batch.measured
                damaged += len(batch.damaged)
                unmeasured += len(batch.unmeasured)
    finally:
        decoders.close()
        if labeller:
            labeller.close()
    print(f"{measured:,} images measured by scores version {SCORES_VERSION}")  # noqa: T201
    if damaged or unmeasured:
        print(f"{damaged:,} files missing or damaged, {unmeasured:,} images not measured")  # noqa: T201
        return 1
    return 0


def _reclassify(catalog: Catalog) -> None:
    done = 0
    with ProgressBar(count_outdated(catalog), console=Console(stderr=True)) as bar:
        for number in reclassify(catalog):
            done += number
            bar.advance(number)
    print(f"{done:,} images reclassified by rules version {RULES_VERSION}")  # noqa: T201
