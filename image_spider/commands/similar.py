"""`scrapy similar`: the images of the catalog that resemble a file, or one of them."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from scrapy.exceptions import UsageError

from image_spider import causes
from image_spider.catalog.duplicates import HASH_BITS, Picture
from image_spider.catalog.queries import known_images
from image_spider.catalog.similar import SimilarImage, picture_named, similar_images
from image_spider.command import ProjectCommand
from image_spider.command_catalog import command_catalog
from image_spider.command_store import command_store
from image_spider.config import Config
from image_spider.exceptions import RefusedImage
from image_spider.imaging.describe import KEPT, describe
from image_spider.imaging.hashes import NEAR_BITS
from image_spider.report.report import read_selection, render

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from image_spider.stores.store import Store

LIMIT = 50
SHA256 = re.compile("[0-9a-f]{8,64}", re.IGNORECASE)  # the first digits are enough, as the table prints them
PRINTED_DIGITS = 16
PIPE_WIDTH = 1000  # characters: what reads a pipe wants whole lines


class Command(ProjectCommand):
    """Find the images that resemble one."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--distance N] [--html FILE] [--limit N] FILE|SHA256"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "List the images that resemble a file, or an image of the catalog"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "List the images of the catalog whose perceptual hashes differ from those of FILE, or of the image SHA256 "
            "(its first 8 digits are enough), in at most N of 256 bits, nearest first. Every image is compared, so the "
            "answer is exact for any N. To 31 bits it is the same picture, to 51 near; beyond, chance begins."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        add = parser.add_argument
        add("--distance", metavar="N", type=int, default=NEAR_BITS, help="bits of 256 (default: %(default)s)")
        add("--html", metavar="FILE", help="write a contact sheet as well")
        add("--limit", metavar="N", type=int, default=LIMIT, help="nearest images listed (default: %(default)s)")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Print the table and write the contact sheet."""
        if len(args) != 1 or opts.limit < 1 or not 0 <= opts.distance <= HASH_BITS:
            raise UsageError(f"give one file or SHA-256, a --distance of 0 to {HASH_BITS} and a --limit of at least 1")
        with command_catalog(settings) as catalog:
            catalog.open(create=False)
            with catalog.reading(may_lag=True) as connection:
                picture = find_picture(connection, args[0], max_pixels=settings.IMAGES_MAX_PIXELS)
                found, total = similar_images(connection, picture, distance=opts.distance, limit=opts.limit)
                _print(found, total, picture)
                if opts.html:
                    page = contact_sheet(connection, args[0], found, store=command_store(settings))
                    Path(opts.html).write_text(page, encoding="utf-8")
                    print(Path(opts.html).resolve())  # noqa: T201


def find_picture(connection: Connection, name: str, *, max_pixels: int) -> Picture:
    """Return the picture of a file or of an image in the catalog.

    Raises UsageError for an image that is not in the catalog, OSError for a file that cannot be read, and RefusedImage
    for one that is no image or that has no hashes.
    """
    file = Path(name)
    if SHA256.fullmatch(name) and not file.exists():
        picture = picture_named(connection, name.lower())
    else:
        data = file.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        known = known_images(connection, [sha256])
        picture = picture_named(connection, sha256) if known else picture_of(data, sha256, max_pixels=max_pixels)
    if picture.pixel_hash is None:
        raise RefusedImage(causes.UNSUPPORTED, f"{name} is an image that was not decoded: there is nothing to compare")
    return picture


def picture_of(data: bytes, sha256: str, *, max_pixels: int) -> Picture:
    """Return the picture in these bytes; raise RefusedImage if they are no image that a crawl would keep."""
    description = describe(data, max_pixels=max_pixels)
    if description.integrity not in KEPT:
        raise RefusedImage(
            description.integrity, f"not an image to compare, {description.integrity}: {description.detail}"
        )
    hashes, pixels = description.understanding, description.width * description.height
    pixel_hash, phash_256 = (hashes.pixel_hash, hashes.phash_256) if hashes else (None, None)
    return Picture(sha256, pixel_hash, phash_256, description.frames, pixels)


def contact_sheet(connection: Connection, name: str, found: Sequence[SimilarImage], *, store: Store) -> str:
    """Return the images, nearest first, as one HTML page."""
    details = {image.sha256: {"similarity": f"{image.kind}, {image.distance} of {HASH_BITS} bits"} for image in found}
    title = f"Images like {Path(name).name}"
    return render(read_selection(connection, details, title=title, order="Most similar first", store=store))


def _print(found: Sequence[SimilarImage], total: int, picture: Picture) -> None:
    table = Table("sha256", "kind", "distance", "pixels", "size", "path", "first URL", box=box.SIMPLE_HEAD)
    for image in found:
        pixels, size = f"{image.width} x {image.height}", decimal(image.bytes)
        sha256 = image.sha256[:PRINTED_DIGITS]
        table.add_row(sha256, image.kind, str(image.distance), pixels, size, image.path, image.url)
    for column in table.columns[:5]:
        column.no_wrap = True
    for column in table.columns[5:]:
        column.overflow = "fold"
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, markup=False, highlight=False)
    if found:
        console.print(table)
    compared = "" if picture.phash_256 else "; it says too little to be compared by more than its pixels"
    console.print(f"{len(found)} of {total} images{compared}", soft_wrap=True)
