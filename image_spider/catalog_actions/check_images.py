"""Compare the files of the image store with the catalog, both ways: files that are missing or damaged, and files that
no image of the catalog names (extra). --repair copies files back from the mirrors (IMAGES_MIRRORS), and downloads again
what they do not have. Crawls may go on meanwhile, and the check may be interrupted at any point: run again, it goes on
where it was. The exit code is 0 when nothing is wrong, or all that was is repaired, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial

from rich.console import Console

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.engine import public_url
from image_spider.catalog.files import count_recorded
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.exceptions import UsageError
from image_spider.integrity.check import Check
from image_spider.integrity.checkup import Checkup, Wishes
from image_spider.integrity.findings import KINDS, Finding
from image_spider.integrity.journal import Journal
from image_spider.integrity.refetching import fetch_again
from image_spider.integrity.repair import Repair
from image_spider.mirrors.opening import make_mirrors
from image_spider.progress_bar import ProgressBar
from image_spider.stores.store import Store

SUMMARY = "compare the files of the image store with the catalog; --repair mends them"
JOURNAL = "check-images.jsonl"
ASIDE = "damaged-images"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Take --repair and how to look."""
    parser.add_argument(
        "--full", action="store_true", help="read each file and compare its SHA-256, not its size alone"
    )
    parser.add_argument("--repair", action="store_true", help="copy files back from mirrors, download what they lack")
    parser.add_argument("--no-download", action="store_true", help="with --repair: from mirrors alone")
    parser.add_argument("--empty", action="store_true", help="with --repair: also a store that has lost everything")
    parser.add_argument("--remove-extra", action="store_true", help="delete extra files; end all crawls first")
    parser.add_argument("--anew", action="store_true", help="begin again, though an earlier check did not end")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(options: argparse.Namespace, settings: Config) -> int:
    """Check, repair if asked to, and print what was found."""
    if (options.no_download or options.empty) and not options.repair:
        raise UsageError("--no-download, --empty", "", "they go with --repair")
    with ExitStack() as stack:
        store, mirrors = command_store(settings), make_mirrors(settings)
        for one in (store, *mirrors):
            stack.callback(one.close)
        subject = {"catalog": public_url(settings.DATABASE_URL), "store": store.name, "full": options.full}
        journal = stack.enter_context(Journal(settings.DATA_DIR / JOURNAL, subject=subject, anew=options.anew))
        catalog = stack.enter_context(command_catalog(settings))
        catalog.open(create=False)
        checkup = Checkup(
            catalog=catalog,
            store=store,
            check=Check(catalog=catalog, store=store, full=options.full),
            repair=Repair(store=store, mirrors=mirrors, aside=settings.DATA_DIR / ASIDE),
            journal=journal,
            wishes=Wishes(repair=options.repair, empty=options.empty, remove_extra=options.remove_extra),
        )
        images, files, findings = _look(catalog, checkup, journal)
        if options.repair and not options.no_download:
            findings = _download(checkup, findings, settings, mirrors)
        journal.end()
    _print(findings, images=images, files=files, as_json=options.json)
    return 1 if any(not finding.repaired for finding in findings) else 0


def _look(catalog: Catalog, checkup: Checkup, journal: Journal) -> tuple[int, int, list[Finding]]:
    """Look both ways; return how many images and files there were, and what is wrong with some."""
    total, before = catalog.read(count_recorded), journal.before
    images, files, findings = before.files, 0, list[Finding]()
    with ProgressBar(2 * total, console=Console(stderr=True), unit="files") as bar:
        if images:
            bar.say(f"going on with the check of {before.begun}, behind {images:,} images")
            bar.advance(images)
        for checked in checkup.recorded(after=before.after, again=before.findings):
            images += checked.files
            _note(checked.findings, findings, bar)
            bar.advance(checked.files)
        for checked in checkup.unrecorded():
            files += checked.files
            _note(checked.findings, findings, bar)
            bar.advance(checked.files)
    return images, files, findings


def _note(found: Sequence[Finding], findings: list[Finding], bar: ProgressBar) -> None:
    findings += found
    for finding in found:
        bar.say(finding.line())


def _download(
    checkup: Checkup, findings: Sequence[Finding], settings: Config, mirrors: Sequence[Store]
) -> list[Finding]:
    """Download what mirrors did not have: from the images' URLs, then by reading the pages where they were seen."""
    known = {finding.sha256: finding for finding in findings if finding.sha256}
    asked: set[str] = set()
    for pages in (False, True):
        left = [finding for finding in known.values() if not finding.repaired]
        if settings.REDIS_URL:  # whose workers take their time
            left = [finding for finding in left if finding.sha256 not in asked]
        urls = checkup.sources(left, pages=pages)
        if not urls:
            continue
        asked |= urls.keys()
        _say(
            f"{len(urls):,} files are in no mirror: downloading {'the pages where they were seen' if pages else 'them'}"
        )
        outcomes = checkup.downloaded(left, urls=urls, fetch=partial(fetch_again, settings=settings))
        known |= {finding.sha256: finding for finding in outcomes}
        repaired = [finding for finding in outcomes if finding.repaired]
        checkup.queue_for_mirrors(repaired, mirrors=[mirror.name for mirror in mirrors])
        for finding in repaired:
            _say(finding.line())
    if settings.REDIS_URL and any(not known[sha256].repaired for sha256 in asked):
        _say("the workers of the fleet download them: `scrapy crawls` shows when they have, then check again")
    return [*known.values(), *(finding for finding in findings if not finding.sha256)]


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201


def _print(findings: Sequence[Finding], *, images: int, files: int, as_json: bool) -> None:
    found = Counter(finding.kind for finding in findings)
    repaired = sum(bool(finding.repaired) for finding in findings)
    if as_json:
        counts = {"images": images, "files": files} | {str(kind): found[kind] for kind in KINDS}
        counts |= {"repaired": repaired, "left": len(findings) - repaired}
        print(json.dumps({**counts, "findings": [asdict(finding) for finding in findings]}, indent=2))  # noqa: T201
        return
    kinds = ", ".join(f"{found[kind]:,} {kind}" for kind in KINDS)
    print(f"{images:,} images and {files:,} files compared: {kinds}; {repaired:,} mended")  # noqa: T201
    if any(finding.kind != "extra" and not finding.repaired for finding in findings):
        print("`scrapy catalog check-images --repair` mends what a mirror has or can be downloaded")  # noqa: T201
    if any(finding.kind == "extra" and not finding.repaired for finding in findings):
        print("`scrapy catalog recover` tells whether the ledgers know the extra files; --remove-extra deletes them")  # noqa: T201
