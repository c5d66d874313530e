"""A report: the catalog, or one crawl of it, as one HTML file that needs nothing else."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any

from image_spider.catalog import report_queries
from image_spider.catalog.schema import images
from image_spider.exceptions import UsageError
from image_spider.report.facets import FACETS, Facet
from image_spider.report.picture import picture

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from image_spider.stores.store import Store

CRAWLS = 100  # rows, the newest
FAILURE_EXAMPLES = 200  # rows, the newest
START_URLS = 5  # of one crawl; it may have thousands
_SUGGESTED_IDS = 10
_COLUMNS = (
    *("sha256", "path", "width", "height", "bytes", "frames", "first_seen"),
    *("duplicate_of", "duplicate_distance"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page shows.

    images are the newest ones, at most as many as were asked for; counts, failures and totals are over all. counts
    maps a facet's name to the number of images by value; failures maps "images" and "pages" to numbers by cause.
    """

    title: str
    order: str  # of the images
    crawl_id: str | None  # None: the whole catalog
    generated_at: datetime
    facets: tuple[Facet, ...]
    images: list[dict[str, Any]]
    counts: dict[str, dict[str, int]]
    failures: dict[str, dict[str, int]]
    failure_examples: list[dict[str, Any]]
    crawls: list[dict[str, Any]]
    totals: dict[str, int]

    @property
    def shown(self) -> int:
        """Return the number of images in the report."""
        return len(self.images)

    @property
    def total(self) -> int:
        """Return the number of images in the catalog, or of the crawl."""
        return self.totals["images"]


def read_report(
    connection: Connection,
    *,
    crawl_id: str | None,
    limit: int,
    store: Store,
    facets: Sequence[Facet] = FACETS,
) -> Report:
    """Read a report of the newest images, at most limit; raise UsageError for a crawl that is not in the catalog.

    The pictures, about 6 kB each, are held in memory, and `render` repeats them: measured, 35 MB per 1,000 images.
    """
    crawls = report_queries.newest_crawls(connection, crawl_id, limit=CRAWLS)
    if crawl_id is not None and not crawls:
        raise UsageError("crawl", crawl_id, _known_crawls(connection))
    columns = _columns(facets)
    # The images are read before they are counted: what a running crawl adds in between is in the counts alone.
    rows = report_queries.newest_images(connection, crawl_id, columns=columns, limit=limit)
    rows = _with_values(connection, rows, facets)
    return Report(
        title=f"Images of {crawl_id or 'all crawls'}",
        order="Newest first",
        crawl_id=crawl_id,
        generated_at=datetime.now(UTC),
        facets=tuple(facets),
        images=_images(rows, store, facets),
        counts={facet.name: facet.sorted(_counts(connection, crawl_id, facet)) for facet in facets},
        failures=report_queries.failures_by_cause(connection, crawl_id),
        failure_examples=report_queries.newest_failures(connection, crawl_id, limit=FAILURE_EXAMPLES),
        crawls=[_crawl(row) for row in crawls],
        totals=report_queries.totals(connection, crawl_id),
    )


def read_selection(
    connection: Connection, details: Mapping[str, Mapping[str, str]], *, title: str, order: str, store: Store
) -> Report:
    """Read a report of chosen images, in the order of details, which names more facts to show of each by SHA-256."""
    rows = report_queries.named_images(connection, list(details), columns=_columns(FACETS))
    rows = _with_values(connection, rows, FACETS)
    counts = {facet.name: facet.sorted(Counter(chain(*(facet.values(row) for row in rows)))) for facet in FACETS}
    totals = dict.fromkeys(report_queries.totals(connection, None), 0)
    totals |= {"images": len(rows)} | {name: sum(row[name] for row in rows) for name in ("bytes", "sightings")}
    return Report(
        title=title,
        order=order,
        crawl_id=None,
        generated_at=datetime.now(UTC),
        facets=FACETS,
        images=[{**image, **details[image["sha256"]]} for image in _images(rows, store, FACETS)],
        counts=counts,
        failures={"images": {}, "pages": {}},
        failure_examples=[],
        crawls=[],
        totals=totals,
    )


def render(report: Report) -> str:
    """Return the report as one HTML page: its own script, style and data, and nothing from elsewhere."""
    template = files("image_spider.report").joinpath("report.html").read_text(encoding="utf-8")
    script = template.partition("<script>")[2].partition("</script>")[0]
    values = {
        "title": escape(report.title),
        "order": escape(report.order),
        "summary": escape(_summary(report)),
        "script_hash": f"sha256-{b64encode(sha256(script.encode()).digest()).decode('ascii')}",
        "data": _json(report),
    }
    # One pass: a value that looks like a placeholder is not filled in.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _known_crawls(connection: Connection) -> str:
    known = report_queries.newest_crawls(connection, None, limit=_SUGGESTED_IDS)
    return f"one of: {', '.join(crawl['id'] for crawl in known)}" if known else "the catalog has no crawl yet"


def _columns(facets: Sequence[Facet]) -> dict[str, ColumnElement[Any]]:
    single = {facet.name: facet.column for facet in facets if facet.column is not None}
    return {**{name: images.c[name] for name in _COLUMNS}, **single}


def _with_values(connection: Connection, rows: list[dict[str, Any]], facets: Sequence[Facet]) -> list[dict[str, Any]]:
    """Add to each row the values of the facets of which an image may have several."""
    shown = [row["sha256"] for row in rows]
    for facet in facets:
        if facet.pairs is not None:
            values = report_queries.values_of(connection, shown, pairs=facet.pairs)
            rows = [{**row, facet.name: values.get(row["sha256"], [])} for row in rows]
    return rows


def _counts(connection: Connection, crawl_id: str | None, facet: Facet) -> dict[Any, int]:
    if facet.pairs is not None:
        return report_queries.images_by_pairs(connection, crawl_id, pairs=facet.pairs)
    assert facet.column is not None
    return report_queries.images_by(connection, crawl_id, column=facet.column)


def _images(rows: Sequence[dict[str, Any]], store: Store, facets: Sequence[Facet]) -> list[dict[str, Any]]:
    """Return what the page shows of each image; pictures are read several at a time."""
    with ThreadPoolExecutor(max_workers=store.threads, thread_name_prefix="pictures") as threads:
        return list(threads.map(partial(_image, store=store, facets=facets), rows))


def _image(row: dict[str, Any], *, store: Store, facets: Sequence[Facet]) -> dict[str, Any]:
    values = {facet.name: facet.shown(row[facet.name]) for facet in facets}
    return {**row, **values, "thumbnail": picture(store, row["path"])}


def _crawl(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "start_urls": row["start_urls"][:START_URLS], "start_url_count": len(row["start_urls"])}


def _summary(report: Report) -> str:
    totals = report.totals
    return (
        f"{totals['images']:,} images of {totals['bytes']:,} bytes, seen {totals['sightings']:,} times on "
        f"{totals['pages']:,} pages; {totals['failures']:,} failures. "
        f"This page holds {report.shown:,} of the images; it needs JavaScript to show them."
    )


def _json(report: Report) -> str:
    """Return the page's data as JSON that no text in it can break out of.

    Inside <script> only `<` could end it or open a comment; `>` and `&` are escaped for readers that treat it as
    markup. Everything beyond ASCII is escaped too, and U+2028 and U+2029 with it.
    """
    data = {
        "crawl_id": report.crawl_id,
        "generated_at": report.generated_at,
        "totals": report.totals,
        "facets": [
            # Pairs, because a JavaScript object would move keys that look like numbers to its front.
            {"name": facet.name, "label": facet.label, "values": list(report.counts[facet.name].items())}
            for facet in report.facets
        ],
        "failures": {kind: list(causes.items()) for kind, causes in report.failures.items()},
        "failure_examples": report.failure_examples,
        "crawls": report.crawls,
        "images": report.images,
    }
    text = json.dumps(data, default=datetime.isoformat, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
