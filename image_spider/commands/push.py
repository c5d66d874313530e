"""`scrapy push`: start URLs into the fleet's Redis, one or millions."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from scrapy.exceptions import UsageError as WrongArguments

from image_spider.command import ProjectCommand, fleet_settings
from image_spider.config import Config
from image_spider.exceptions import UsageError
from image_spider.frontier.fleet import Fleet, connect_fleet
from image_spider.frontier.start_entries import LIMITS, read_entry
from image_spider.spiders.images import ImagesSpider

DEADLINE_SECONDS = 10.0
BATCH_ENTRIES = 1000


class Command(ProjectCommand):
    """Push start URLs."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--crawl-id ID] [--max-images N] [...] URL...|--file FILE"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Push start URLs to the workers of a fleet"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Push start URLs to the Redis of REDIS_URL, where any worker takes them within a second; FILE has one a "
            "line. What is no URL is refused before anything of a URL list is pushed; of a file, before its batch of "
            "1,000 lines is. Without a crawl id or a limit, URLs belong to the crawl `default`."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--file", metavar="FILE", help="a text file with one URL a line; # begins a comment")
        parser.add_argument("--crawl-id", metavar="ID", help="the crawl that the URLs belong to")
        parser.add_argument("--priority", metavar="N", type=int, help="higher is earlier (default: 0)")
        for name in LIMITS:
            parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=f"as -a {name}= of scrapy crawl")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Push, and say how many."""
        if bool(args) == bool(opts.file):
            raise WrongArguments("give URLs or --file FILE")
        fleet_settings(settings)
        assert self.settings is not None
        options = {name: value for name in ("crawl_id", "priority", *LIMITS) if (value := getattr(opts, name))}
        fleet = connect_fleet(self.settings, spider=ImagesSpider.name, deadline_seconds=DEADLINE_SECONDS)
        if opts.file:
            file = Path(opts.file)
            pushed = asyncio.run(_push_file(fleet, file, options, total=file.stat().st_size))
        else:
            pushed = asyncio.run(_push(fleet, args, options))
        print(f"{pushed:,} start URLs pushed to {fleet.start_urls_key}")  # noqa: T201


async def _push(fleet: Fleet, urls: Sequence[str], options: dict[str, object]) -> int:
    entries = [_entry(url, options) for url in urls]
    try:
        await fleet.client.connect()
        await fleet.start_urls.add(entries=entries)
    finally:
        await fleet.client.close()
    return len(entries)


async def _push_file(fleet: Fleet, file: Path, options: dict[str, object], *, total: int) -> int:
    """Push a file batch by batch: it may be larger than memory."""
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    pushed = 0
    try:
        await fleet.client.connect()
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("pushing", total=total)
            lines = _entries(file, options)
            while batch := tuple(islice(lines, BATCH_ENTRIES)):
                await fleet.start_urls.add(entries=[entry for entry, _ in batch])
                pushed += len(batch)
                progress.update(task, completed=batch[-1][1], description=f"{pushed:,} pushed")
    except UsageError as error:
        note = f"{error.allowed}; {pushed:,} lines before it are pushed" if pushed else error.allowed
        raise UsageError(error.name, error.value, note) from None
    finally:
        await fleet.client.close()
    return pushed


def _entries(file: Path, options: dict[str, object]) -> Iterator[tuple[bytes, int]]:
    """Yield each URL of a file as an entry, with the number of bytes read so far."""
    done = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            done += len(line)
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text and not text.startswith("#"):
                    yield _entry(text, options), done
            except UnicodeDecodeError:
                raise UsageError(f"file {file}, line {number}", line[:100], "text in UTF-8") from None
            except UsageError as error:
                raise UsageError(f"file {file}, line {number}", error.value, error.allowed) from None


def _entry(url: str, options: dict[str, object]) -> bytes:
    """Return the entry of a URL; raises UsageError for one that a worker would reject."""
    raw = json.dumps({"url": url} | options) if options else url
    entry = read_entry(raw.encode("utf-8", "surrogateescape"))
    return (json.dumps({"url": entry.url} | options) if options else entry.url).encode()
