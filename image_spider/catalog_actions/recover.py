"""Say in plain words what is wrong with the catalog and the servers behind it, and what to do, step by step. --apply
does the safe steps: Patroni (PATRONI_URLS) makes standbys anew that do not follow the primary, and what the ledgers of
the image store know and the catalog does not is written again. It may be interrupted at any point and run again. The
exit code is 0 when nothing is wrong, or --apply has ended all that was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import Console

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.engine import public_url, sqlite_file
from image_spider.catalog.measurements import count_outdated
from image_spider.catalog.pool.address import Address, parse_url
from image_spider.catalog.pool.patroni import patroni_urls
from image_spider.catalog.recovered import damage, holds_images
from image_spider.catalog.recovery.cluster import diagnose
from image_spider.catalog.recovery.finding import Finding
from image_spider.catalog.recovery.nodes import look_at
from image_spider.catalog.recovery.patroni import members, reinitialize
from image_spider.catalog_actions.action import backups_of
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.commands.reclassify import rescan
from image_spider.config import Config
from image_spider.exceptions import CatalogError, SchemaOutdated
from image_spider.progress_bar import ProgressBar
from image_spider.replay import Replay
from image_spider.stores.store import Store

SUMMARY = "say what is wrong and what to do; --apply does what is safe"
KILO = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take --apply."""
    parser.add_argument("--apply", action="store_true", help="do the safe steps")


def run(options: argparse.Namespace, settings: Config) -> int:
    """Print what is wrong, and end it if asked to."""
    findings = [*_findings(settings)]
    for number, finding in enumerate(findings, 1):
        print(f"{number}. {finding.problem}")  # noqa: T201
        for step in finding.steps:
            print(f"   - {step}")  # noqa: T201
    if not findings:
        print("Nothing is wrong.")  # noqa: T201
        return 0
    if not options.apply:
        return 1
    left = sum(not (finding.replay or finding.rebuild) for finding in findings)
    left += _rebuild([finding.rebuild for finding in findings if finding.rebuild], settings)
    if any(finding.replay for finding in findings):
        left += _replay(settings)
    return 1 if left else 0


def _findings(settings: Config) -> Iterator[Finding]:
    """Yield what is wrong with the servers, then with the rows, if there is one server to ask for them."""
    if not settings.DATABASE_URL.startswith("sqlite:"):
        cluster = parse_url(settings.DATABASE_URL)
        look = look_at(cluster)
        user = cluster.parameters.get("user", "postgres")
        yield from diagnose(look, user=user, patroni=bool(settings.PATRONI_URLS))
        if sum(node.writable for node in look.nodes) != 1:
            return
    yield from _catalog(settings)


def _catalog(settings: Config) -> Iterator[Finding]:
    """Yield what is wrong with the catalog's rows, or keeps them from being read."""
    put_back = _put_back(settings)
    store = command_store(settings)
    files = store.exists() and next(store.files(), None) is not None
    with command_catalog(settings) as catalog:
        file = sqlite_file(catalog.engine)
        try:
            holds = None if file and not file.exists() else catalog.read(holds_images)
            if holds is not None:
                catalog.open(create=False)
                if found := catalog.read(damage):
                    raise CatalogError(f"the catalog {catalog.name} is damaged: {' '.join(found.split())}")
        except SchemaOutdated as error:
            yield Finding(
                problem=f"{error}.", steps=("Stop crawls of another version, then `scrapy catalog upgrade`.",)
            )
            return
        except CatalogError as error:
            other = f"Or move {file} away: `scrapy catalog recover --apply` then makes a new one from the ledgers."
            yield Finding(problem=f"{error}.", steps=(put_back, other) if file else (put_back,))
            return
        if not holds and files and not store.ledgers():
            problem = f"The catalog {catalog.name} is empty beside image files in {store.name} that no ledger tells of."
            again = "Without one, crawl again: a file that is there is not written twice."
            yield Finding(problem=problem, steps=(put_back, again))
            return
        missing = _missing(catalog, store, empty=holds is None)
        unmeasured = catalog.read(partial(count_outdated, label_model=None)) if holds else 0
    if missing:
        again = "`scrapy catalog recover --apply` writes them again and measures their images."
        yield Finding(
            problem=f"The ledgers of {store.name} tell of {missing:,} sightings that the catalog does not have.",
            steps=(again,) if holds else (put_back, again),
            replay=True,
        )
    if unmeasured:
        yield Finding(
            problem=f"{unmeasured:,} images were not measured by this version.",
            steps=("`scrapy catalog recover --apply` does that, or `scrapy reclassify --rescan`.",),
            replay=True,
        )


def _put_back(settings: Config) -> str:
    """Return the step that restores the newest good backup of this catalog."""
    name = public_url(settings.DATABASE_URL)
    good = [backup.manifest for backup in backups_of(settings).list() if backup.manifest and not backup.problem]
    newest = next((manifest.id for manifest in good if manifest.is_of(name)), None)
    if newest:
        return f"`scrapy catalog restore {newest}` puts the newest backup back."
    if good:
        return f"There is no backup of this catalog, but {len(good)} of others: see `scrapy catalog backups`."
    return "There is no backup."


def _missing(catalog: Catalog, store: Store, *, empty: bool) -> int:
    """Count the sightings that a replay would write; of an empty catalog an upper bound."""
    replay = Replay(catalog=catalog, store=store)
    if empty:
        return replay.lines()
    return sum(batch.missing for batch in replay.batches(write=False))


def _rebuild(standbys: Sequence[Address], settings: Config) -> int:
    """Have Patroni make standbys anew; return how many of them it does not."""
    if not standbys:
        return 0
    if not settings.PATRONI_URLS:
        print("Standbys are made anew by the commands above: only Patroni (PATRONI_URLS) can do it from here.")  # noqa: T201
        return len(standbys)
    found, left = members(patroni_urls(settings.PATRONI_URLS)), 0
    for standby in standbys:
        try:
            print(f"Patroni makes {reinitialize(found, standby)} anew: `scrapy catalog check` shows when it streams.")  # noqa: T201
        except CatalogError as error:
            print(error)  # noqa: T201
            left += 1
    return left


def _replay(settings: Config) -> int:
    """Write what the ledgers tell, then measure the images; return how many files were missing or damaged."""
    store = command_store(settings)
    written = damaged = 0
    with command_catalog(settings) as catalog:
        catalog.upgrade()
        replay = Replay(catalog=catalog, store=store)
        with ProgressBar(replay.size() // KILO, console=Console(stderr=True), unit="kB of ledgers") as bar:
            read = 0
            for batch in replay.batches(write=True):
                for place in batch.torn:
                    bar.say(f"{place}: half a line, of a worker that was killed")
                for line in batch.damaged:
                    bar.say(line)
                read += batch.bytes
                bar.advance(read // KILO - (read - batch.bytes) // KILO)
                written += batch.written
                damaged += len(batch.damaged)
        print(f"{written:,} sightings written again; {damaged:,} images without their files left out")  # noqa: T201
        return damaged + rescan(catalog, settings)
