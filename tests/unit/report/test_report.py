import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import case, event

from image_spider import causes
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.crawls import Outcome, finish_crawl, start_crawl
from image_spider.catalog.schema import images
from image_spider.catalog.writes import write_items
from image_spider.crawl import Crawl
from image_spider.exceptions import UsageError
from image_spider.items import Candidate, Failure, Image, ImageItem, PageItem, Topic
from image_spider.report.facets import FACETS, Facet
from image_spider.report.picture import ORIGINAL_BYTES, SVG_BYTES
from image_spider.report.report import Report, read_report, render
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path, thumbnail_path
from tests.samples import understood

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!--\u2028\u2029 \"double\" 'single' & {{data}} \\u003c"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path}/catalog.sqlite3") as opened:
        opened.open()
        yield opened


def item(
    number: int = 0,
    *,
    crawl_id: str = "first",
    page: str = "https://example.com/",
    url: str = "",
    extension: str = ".png",
    words: str = "",
) -> ImageItem:
    """Return a sighting of image `number`, that many minutes after noon."""
    digest = sha256(str(number).encode()).hexdigest()
    image = Image(
        sha256=digest,
        path=image_path(digest, extension),
        format=extension.lstrip("."),
        width=100,
        height=100,
        bytes=50 + number,
        frames=1,
        orientation=1,
        size_class="thumbnail",
        shape="square" if number % 2 else "portrait",
        integrity="ok",
    )
    url = url or f"https://example.com/{number}{extension}"
    candidate = Candidate(url, "img", alt=words, title=words, caption=words)
    return ImageItem(candidate, page, "", crawl_id, NOON + timedelta(minutes=number), image=image)


def failed(number: int, cause: str, *, crawl_id: str = "first") -> ImageItem:
    return replace(item(number, crawl_id=crawl_id), image=None, failure=Failure(cause, f"detail of {cause}"))


def write(catalog: Catalog, *items: ImageItem | PageItem) -> None:
    for crawl_id in sorted({record.crawl_id for record in items}):
        crawl = Crawl.from_arguments(url="https://example.com/", crawl_id=crawl_id)
        catalog.transaction(partial(start_crawl, crawl=crawl, now=NOON))
    catalog.transaction(lambda connection: write_items(connection, items))


def read(
    catalog: Catalog,
    *,
    crawl_id: str | None = None,
    limit: int = 2000,
    store: Path = Path("/nowhere"),
    facets: tuple[Facet, ...] = FACETS,
) -> Report:
    with catalog.reading() as connection:
        return read_report(connection, crawl_id=crawl_id, limit=limit, store=LocalStore(store), facets=facets)


class Page(HTMLParser):
    """The elements of a page, with the text of its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def embedded(html: str) -> dict[str, Any]:
    return json.loads(Page(html).scripts[0])


def test_hostile_words_stay_inside_the_data_and_come_out_of_it_unchanged(catalog):
    write(catalog, item(words=HOSTILE, url="javascript:" + HOSTILE))
    html = render(read(catalog))
    page = Page(html)
    assert len(page.scripts) == 2
    assert "alert(1)" not in page.scripts[1]
    assert not set("<>&\u2028\u2029") & set(page.scripts[0])
    (image,) = embedded(html)["images"]
    assert [image["alt"], image["title"], image["caption"]] == [HOSTILE] * 3
    assert image["image_url"] == "javascript:" + HOSTILE


def test_the_data_of_the_page_is_the_report(catalog):
    write(catalog, item(1, words="a"), item(2, words="b"), failed(3, causes.TIMEOUT))
    report = read(catalog)
    data = embedded(render(report))
    assert data["images"] == [{**image, "first_seen": image["first_seen"].isoformat()} for image in report.images]
    assert data["totals"] == report.totals
    assert data["failures"] == {"images": [["timeout", 1]], "pages": []}
    assert {facet["name"]: dict(facet["values"]) for facet in data["facets"]} == report.counts


def test_the_script_never_turns_data_into_markup(catalog):
    script = Page(render(read(catalog))).scripts[1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_the_page_loads_nothing_and_runs_its_own_script_alone(catalog):
    write(catalog, item(words="a"), failed(1, causes.STATUS))
    html = render(read(catalog))
    page = Page(html)
    assert [
        attributes for _, attributes in page.elements if {"src", "srcset", "action", "data"} & set(attributes)
    ] == []
    assert [attributes["href"] for _, attributes in page.elements if "href" in attributes] == ["#"]
    assert not {"link", "base", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.elements}
    assert not re.search(r"@import|@font-face|url\(", html)
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    script_hash = b64encode(sha256(page.scripts[1].encode()).digest()).decode()
    assert policy is not None
    assert [directive.strip() for directive in policy.split(";")] == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{script_hash}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_counts_are_over_all_images_though_fewer_are_shown(catalog):
    write(catalog, *(item(number) for number in range(7)))
    report = read(catalog, limit=2)
    assert (report.shown, report.total) == (2, 7)
    assert report.counts["shape"] == {"square": 3, "portrait": 4}
    assert report.totals["bytes"] == sum(range(50, 57))
    assert "holds 2 of the images" in render(report)


def test_the_newest_images_come_first(catalog):
    write(catalog, *(item(number) for number in (3, 1, 4, 2)))
    assert [image["bytes"] for image in read(catalog, limit=3).images] == [54, 53, 52]


def test_an_image_is_shown_once_with_its_first_sighting_and_their_number(catalog):
    later = replace(item(words="later", page="https://example.com/b"), seen_at=NOON + timedelta(hours=1))
    write(
        catalog, later, item(words="first"), item(words="other crawl", crawl_id="second", page="https://example.com/c")
    )
    (image,) = read(catalog, crawl_id="first").images
    assert (image["alt"], image["page_url"], image["sightings"]) == ("first", "https://example.com/", 2)
    (image,) = read(catalog).images
    assert image["sightings"] == 3


def test_a_crawl_shows_what_it_has_seen_and_nothing_else(catalog):
    write(catalog, item(1), item(2, crawl_id="second"), failed(3, causes.DNS, crawl_id="second"))
    catalog.transaction(
        lambda connection: finish_crawl(
            connection, "first", Outcome(state="completed", reason="", pages=9, resumed=False, at=NOON)
        )
    )
    report = read(catalog, crawl_id="first")
    assert [image["bytes"] for image in report.images] == [51]
    assert [crawl["id"] for crawl in report.crawls] == ["first"]
    assert report.counts["shape"] == {"square": 1}
    assert report.failure_examples == []
    assert report.totals == {
        "images": 1, "bytes": 51, "sightings": 1, "not_downloaded": 0, "failures": 0, "pages": 9, "crawls": 1
    }  # fmt: skip


def test_failures_are_counted_by_cause_for_images_and_pages_apart(catalog):
    gone = PageItem("https://example.com/gone", "first", NOON, Failure(causes.STATUS, "HTTP 404"))
    write(catalog, failed(1, causes.TIMEOUT), failed(2, causes.STATUS), failed(3, causes.STATUS), gone)
    report = read(catalog)
    assert report.failures == {"images": {"status": 2, "timeout": 1}, "pages": {"status": 1}}
    assert list(report.failures["images"]) == ["status", "timeout"]
    assert [failure["image_url"] for failure in report.failure_examples] == [
        "https://example.com/3.png", "https://example.com/2.png", "https://example.com/1.png", None
    ]  # fmt: skip


def test_images_that_were_not_downloaded_are_counted_as_sightings(catalog):
    write(catalog, replace(item(), image=None))
    report = read(catalog)
    assert report.images == []
    assert (report.totals["sightings"], report.totals["not_downloaded"]) == (1, 1)


def test_an_unknown_crawl_is_refused_with_the_crawls_that_exist(catalog):
    write(catalog, *(item(number, crawl_id=f"crawl-{number:02}") for number in range(12)))
    with pytest.raises(UsageError, match=r"crawl='other' is not allowed: one of: (crawl-\d\d(, )?){10}$"):
        read(catalog, crawl_id="other")


def test_an_unknown_crawl_of_an_empty_catalog_is_refused(catalog):
    with pytest.raises(UsageError, match="has no crawl yet"):
        read(catalog, crawl_id="other")


def test_an_empty_catalog_gives_an_empty_page(catalog):
    report = read(catalog)
    assert (report.shown, report.total) == (0, 0)
    assert embedded(render(report))["facets"][0] == {"name": "format", "label": "Format", "values": []}


@pytest.mark.parametrize(
    ("extension", "size", "start"),
    [
        (".png", ORIGINAL_BYTES, "data:image/png;base64,"),
        (".jpg", 1, "data:image/jpeg;base64,"),
        (".svg", SVG_BYTES, "data:image/svg+xml;base64,"),
        (".png", ORIGINAL_BYTES + 1, ""),
        (".svg", SVG_BYTES + 1, ""),
        (".tiff", 1, ""),  # no browser shows it
        (".png", 0, ""),
    ],
)
def test_an_image_without_a_thumbnail_stands_for_itself_when_it_is_small(catalog, tmp_path, extension, size, start):
    record = item(extension=extension)
    write(catalog, record)
    assert record.image
    file = tmp_path / record.image.path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * size)
    (image,) = read(catalog, store=tmp_path).images
    assert image["thumbnail"].startswith(start)
    assert b64decode(image["thumbnail"].removeprefix(start)) == (b"x" * size if start else b"")


def test_a_thumbnail_is_embedded_rather_than_the_image(catalog, tmp_path):
    record = item()
    write(catalog, record)
    assert record.image
    (tmp_path / record.image.path).parent.mkdir(parents=True)
    (tmp_path / record.image.path).write_bytes(b"image")
    (tmp_path / thumbnail_path(record.image.path)).write_bytes(b"thumbnail")
    (image,) = read(catalog, store=tmp_path).images
    assert image["thumbnail"] == f"data:image/jpeg;base64,{b64encode(b'thumbnail').decode()}"


def test_an_image_whose_files_are_gone_is_shown_without_a_picture(catalog, tmp_path):
    write(catalog, item())
    (image,) = read(catalog, store=tmp_path).images
    assert image["thumbnail"] == ""


def test_a_facet_of_any_expression_reaches_counts_images_and_page(catalog):
    weight = case((images.c.bytes >= 55, "heavy"), (images.c.bytes >= 51, "light"), else_=None)
    write(catalog, *(item(number) for number in range(7)))
    report = read(catalog, facets=(Facet("weight", "Weight", weight, order=("light", "heavy")),), limit=2)
    assert list(report.counts.items()) == [("weight", {"light": 4, "heavy": 2, "none": 1})]
    assert [image["weight"] for image in report.images] == ["heavy", "heavy"]
    assert embedded(render(report))["facets"] == [
        {"name": "weight", "label": "Weight", "values": [["light", 4], ["heavy", 2], ["none", 1]]}
    ]


def test_what_is_understood_is_counted_by_kind_range_and_flag(catalog):
    blurry = item(1)
    assert blurry.image
    understanding = replace(understood(0), flags=("blurry", "dark"), quality=0.3)
    blurry.image = replace(blurry.image, understanding=understanding)
    write(catalog, blurry, item(2))
    report = read(catalog)
    assert report.counts["content"] == {"photo": 1, "none": 1}
    assert report.counts["quality"] == {"below 0.4": 1, "none": 1}
    assert report.counts["flag"] == {"blurry": 1, "dark": 1, "none": 1}
    assert sorted(image["flag"] for image in report.images) == [["blurry", "dark"], ["none"]]


def test_duplicates_are_counted_and_lead_to_their_original(catalog):
    original, copy = (item(number) for number in (1, 2))
    for record in (original, copy):
        assert record.image
        record.image = replace(record.image, understanding=understood(0))
    write(catalog, original, copy, item(3))
    report = read(catalog)
    assert report.counts["duplicates"] == {"original": 2, "pixel": 1}
    shown = {image["sha256"]: (image["duplicates"], image["duplicate_of"]) for image in report.images}
    assert original.image
    assert copy.image
    assert shown[copy.image.sha256] == ("pixel", original.image.sha256)
    assert shown[original.image.sha256] == ("original", None)


def test_values_without_an_order_follow_commonest_first():
    facet = Facet("format", "Format", images.c.format, order=("svg",))
    assert list(facet.sorted({"gif": 1, "png": 5, "svg": 2, None: 1})) == ["svg", "png", "gif", "none"]


def test_no_facet_takes_a_name_that_the_page_keeps_for_itself():
    assert not {facet.name for facet in FACETS} & {"q", "sort", "view", "cause", "image"}


def test_an_image_counts_under_each_of_its_topics_and_one_without_under_none(catalog):
    told = {
        1: (Topic("animals", 0.6, "words"), Topic("animals", 0.9, "model"), Topic("home", 0.4, "words")),
        2: (Topic("home", 0.5, "words"),),
        3: (),
    }
    write(catalog, *(replace(item(number), topics=topics) for number, topics in told.items()))
    write(catalog, replace(item(4, crawl_id="second"), topics=told[1]))
    report = read(catalog, crawl_id="first")
    assert report.counts["topic"] == {"home": 2, "animals": 1, "none": 1}
    assert [image["topic"] for image in report.images] == [["none"], ["home"], ["animals", "home"]]
    assert read(catalog).counts["topic"] == {"home": 3, "animals": 2, "none": 1}


def test_topics_are_found_for_more_images_than_one_list_of_sql_takes(catalog):
    topics = (Topic("animals", 0.6, "words"),)
    write(catalog, *(replace(item(number), topics=topics) for number in range(1000)))
    assert {tuple(image["topic"]) for image in read(catalog).images} == {("animals",)}


def test_the_number_of_queries_does_not_grow_with_the_catalog(catalog):
    statements: list[str] = []
    event.listen(catalog.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    counts = []
    for number in (1, 40):
        write(catalog, *(item(place) for place in range(number)))
        statements.clear()
        read(catalog)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6 + len(FACETS) + sum(facet.pairs is not None for facet in FACETS)
