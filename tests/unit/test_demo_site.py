"""The demo site tells the truth about itself, and its server serves it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import urlopen

import pytest
from PIL import Image, ImageOps

from demo.routes import ROUTES
from demo.server import DemoServer
from image_spider import causes

DEMO = Path(__file__).parents[2] / "demo"
SITE = DEMO / "site"
TRUTH: dict[str, Any] = json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))
IMAGES: dict[str, Any] = TRUTH["images"] | TRUTH["sitemap"]["images"]
PAGES = [path for path in SITE.rglob("*.html") if "private" not in path.parts]
REDIRECTED = {"/go/latest-photo": "/media/latest.jpg"}


def texts() -> str:
    return "\n".join(unescape(page.read_text(encoding="utf-8", errors="replace")) for page in PAGES)


def body_of(url: str) -> bytes:
    if url.startswith("data:"):
        bodies = map(base64.b64decode, re.findall(r"data:image/png;base64,([\w+/=]+)", texts()))
        return next(body for body in bodies if url.endswith(hashlib.sha256(body).hexdigest()))
    return (SITE / unquote(urlsplit(REDIRECTED.get(url, url)).path).lstrip("/")).read_bytes()


@pytest.fixture
def site() -> Iterator[DemoServer]:
    with DemoServer(port=0) as running:
        yield running


@pytest.mark.parametrize("url", IMAGES)
def test_the_hash_of_an_expected_image_is_that_of_its_bytes(url: str) -> None:
    assert hashlib.sha256(body_of(url)).hexdigest() == IMAGES[url]["sha256"]


@pytest.mark.parametrize("url", [url for url, facts in IMAGES.items() if facts["format"] != "svg"])
def test_an_independent_decoder_agrees_with_the_expected_size(url: str) -> None:
    with Image.open(io.BytesIO(body_of(url))) as picture:
        picture.load()
        assert (picture.format or "").lower() == IMAGES[url]["format"]
        assert getattr(picture, "n_frames", 1) == IMAGES[url]["frames"]
        assert ImageOps.exif_transpose(picture).size == (IMAGES[url]["width"], IMAGES[url]["height"])


def test_every_format_is_there() -> None:
    assert {facts["format"] for facts in IMAGES.values()} == {
        "avif", "bmp", "gif", "ico", "jpeg", "png", "svg", "tiff", "webp"
    }  # fmt: skip
    still_modes: set[tuple[str, str]] = set()
    jpeg_flags: set[str | int | None] = set()
    animated: set[str] = set()
    for url, facts in IMAGES.items():
        if facts["format"] == "svg":
            continue
        with Image.open(io.BytesIO(body_of(url))) as picture:
            still_modes.add((facts["format"], picture.mode))
            animated |= {facts["format"]} if facts["frames"] > 1 else set()
            if facts["format"] == "jpeg":
                jpeg_flags |= {"progressive" if "progressive" in picture.info else "baseline"}
                jpeg_flags |= {picture.getexif().get(0x0112)}
    assert still_modes >= {("jpeg", mode) for mode in ("RGB", "L", "CMYK")}
    assert still_modes >= {("png", mode) for mode in ("RGB", "RGBA", "L", "P", "I;16")}
    assert still_modes >= {("webp", "RGB"), ("webp", "RGBA")}
    assert jpeg_flags >= {"progressive", "baseline", 6}
    assert animated == {"gif", "webp"}


def test_one_picture_stands_under_two_urls() -> None:
    assert IMAGES["/media/coffee.jpg"]["sha256"] == IMAGES["/media/shop/espresso-cup.jpg"]["sha256"]


def test_every_media_file_is_referenced_by_a_page() -> None:
    pages = texts()
    media = [f"/{file.relative_to(SITE).as_posix()}" for file in SITE.rglob("*") if file.is_file()]
    unreferenced = {path for path in media if path.startswith(("/media/", "/broken/")) and path not in pages}
    # one is reached through the <base href> of its page, one through a redirect
    assert unreferenced == {"/media/archive/drum.jpg", "/media/latest.jpg"}
    assert "drum.jpg" in pages
    assert "/go/latest-photo" in pages


def test_every_expected_url_stands_in_a_page() -> None:
    pages = texts()
    urls = [url for url in (*IMAGES, *TRUTH["failures"], *TRUTH["page_failures"]) if not url.startswith("data:")]
    assert [url for url in urls if unquote(url) not in pages] == ["/media/archive/drum.jpg"]


def test_links_lead_to_every_expected_page_and_not_to_the_hidden_one() -> None:
    depths, waiting = {"/": 0}, ["/"]
    for url in waiting:
        file = SITE / (url.lstrip("/") + ("index.html" if url.endswith("/") else ""))
        page = re.sub(r"<!--.*?-->", "", file.read_text(encoding="utf-8", errors="replace"))
        for link in re.findall(r'<a [^>]*href="([^":\[]+)"', page):
            target = urlsplit(urljoin(url, link)).path
            is_page = target.endswith(("/", ".html")) and target not in TRUTH["page_failures"]
            if is_page and target not in depths:
                depths[target] = depths[url] + 1
                waiting.append(target)
    assert depths == TRUTH["pages"]
    assert not set(TRUTH["sitemap"]["pages"]) & set(depths)


def test_every_cause_is_one_that_the_catalog_knows() -> None:
    assert {*TRUTH["failures"].values(), *TRUTH["page_failures"].values()} <= causes.ALL


def test_the_licences_file_names_every_source_picture() -> None:
    licences = (DEMO / "LICENSES.md").read_text(encoding="utf-8")
    rows = {row[1]: row for row in (line.split("|") for line in licences.splitlines() if line.startswith("| `"))}
    assert {f" `{file.name}` " for file in (DEMO / "sources").iterdir()} == set(rows)
    assert {row[4].strip() for row in rows.values()} == {"public domain", "CC0 1.0", "CC BY 2.0", "CC BY 4.0"}


def test_the_server_sends_every_expected_image_with_its_type(site: DemoServer) -> None:
    for url, facts in IMAGES.items():
        if url.startswith("data:"):
            continue
        with urlopen(site.url + quote(unquote(url), safe="/?=&,"), timeout=10) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == facts["sha256"]
            true_type = {"svg": "image/svg+xml", "ico": "image/x-icon"}.get(facts["format"], f"image/{facts['format']}")
            assert (answer.headers["Content-Type"] == true_type) == (facts["integrity"] != "type_mismatch")


def test_the_server_answers_statuses_as_expected(site: DemoServer) -> None:
    for url, cause in (TRUTH["failures"] | TRUTH["page_failures"]).items():
        connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
        connection.request("GET", url)
        with connection.getresponse() as answer:
            if cause == "data_loss":
                with pytest.raises(http.client.IncompleteRead):
                    answer.read()
            assert (answer.status == 200) == (cause not in {"status", "redirects"})
        connection.close()


def test_robots_and_sitemap_carry_the_servers_own_address(site: DemoServer) -> None:
    with urlopen(f"{site.url}/robots.txt", timeout=10) as answer:
        robots = answer.read().decode()
    assert "Disallow: /private/" in robots
    assert f"Sitemap: {site.url}/sitemap.xml" in robots
    with urlopen(f"{site.url}/sitemap.xml", timeout=10) as answer:
        assert f"<loc>{site.url}/hidden/contact-sheet.html</loc>" in answer.read().decode()


def test_the_legacy_pages_declare_their_encoding_in_the_page_alone(site: DemoServer) -> None:
    for path, encoding, word in (("/russian.html", "windows-1251", "Одуванчики"), ("/china.html", "gb2312", "颐和园")):
        with urlopen(site.url + path, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "text/html"
            page = answer.read().decode(encoding)
        assert word in page
        assert f"charset={encoding}" in page


def test_one_connection_serves_many_requests_and_all_are_remembered(site: DemoServer) -> None:
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    for method, path in (("GET", "/?page=1"), ("HEAD", "/media/rocket.jpg"), ("GET", "/missing.html"), ("GET", "/")):
        connection.request(method, path)
        with connection.getresponse() as answer:
            answer.read()
    connection.close()
    assert site.requests == [("GET", "/?page=1"), ("HEAD", "/media/rocket.jpg"), ("GET", "/missing.html"), ("GET", "/")]


def test_a_path_does_not_lead_out_of_the_site(site: DemoServer) -> None:
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    for path in ("/../expected.json", "/%2e%2e/expected.json", "//etc/passwd"):
        connection.request("GET", path)
        with connection.getresponse() as answer:
            answer.read()
            assert answer.status == 404
    connection.close()


@pytest.mark.parametrize("query", ["bytes=300000", "bytes=300000&chunked=1", "bytes=9", "bytes=9&chunked=1"])
def test_a_huge_page_has_the_size_that_was_asked_for(site: DemoServer, query: str) -> None:
    with urlopen(f"{site.url}/hostile/huge?{query}", timeout=10) as answer:
        assert len(answer.read()) == int(re.findall(r"\d+", query)[0])


def test_an_endless_redirect_never_repeats_an_address(site: DemoServer) -> None:
    with pytest.raises(HTTPError, match="redirect"):
        urlopen(f"{site.url}/hostile/loop", timeout=10)
    paths = [path for _, path in site.requests]
    assert len(paths) == len(set(paths)) > 5


def test_no_thread_outlives_the_server_while_clients_wait() -> None:
    before = set(threading.enumerate())
    with DemoServer(port=0) as site:
        connections = []
        for path in ("/hostile/slow?seconds=600", "/hostile/drip?seconds=600", "/"):
            connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
            connection.request("GET", path)
            connections.append(connection)
        while len(site.requests) < 3:
            threading.Event().wait(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert set(threading.enumerate()) == before
    for connection in connections:
        connection.close()


def test_a_client_that_leaves_frees_its_thread(site: DemoServer) -> None:
    before = threading.active_count()
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/hostile/slow?seconds=600")
    deadline = time.monotonic() + 5
    while threading.active_count() == before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    connection.close()
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert threading.active_count() == before


def test_hostile_routes_are_not_linked() -> None:
    assert "/hostile/" not in texts()
    assert {"/hostile/huge", "/hostile/drip", "/hostile/loop", "/hostile/short", "/hostile/nul", "/hostile/slow"} == {
        path for path in ROUTES if path.startswith("/hostile/")
    }
