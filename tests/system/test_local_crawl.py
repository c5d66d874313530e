"""A local crawl of the demo site: what is there is found, and nothing else."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.project import ROOT, Project
from tests.sites import Site

EXPECTED = json.loads((ROOT / "demo/expected.json").read_text(encoding="utf-8"))


def key(url: str) -> str:
    """Return the name under which the expected list knows a URL."""
    parts = urlsplit(url)
    return url if parts.scheme == "data" else parts.path + (f"?{parts.query}" if parts.query else "")


def images(project: Project) -> dict[str, dict[str, object]]:
    columns = "sha256, format, width, height, frames, integrity"
    query = f"select distinct image_url, {columns} from sightings join images on sha256 = image_sha256"
    return {key(url): dict(zip(columns.split(", "), rest, strict=True)) for url, *rest in project.rows(query)}


def failures(project: Project, kind: str) -> dict[str, str]:
    where = "image_url is null" if kind == "page_url" else "image_url is not null"
    return {key(url): cause for url, cause in project.rows(f"select {kind}, cause from failures where {where}")}


@pytest.fixture
def crawled(project: Project, site: DemoServer) -> Project:
    done = project.crawl(site.url)
    assert done.returncode == 0, done.stderr
    return project


def test_the_catalog_holds_the_expected_images_and_no_other(crawled: Project):
    assert images(crawled) == EXPECTED["images"]


def test_every_failure_keeps_its_cause(crawled: Project):
    assert failures(crawled, "image_url") == EXPECTED["failures"]
    assert failures(crawled, "page_url") == EXPECTED["page_failures"]


def test_originals_are_stored_byte_for_byte_under_their_hash(crawled: Project):
    crawled.assert_files_and_rows_agree()
    assert set(crawled.files().values()) == {image["sha256"] for image in EXPECTED["images"].values()}


@pytest.mark.parametrize(
    "path",
    [
        "/media/coffee.jpg",
        "/media/icons/camera-photo.png",
        "/media/elevation-16bit.png",
        "/media/icons/turning-clock.gif",
    ],
    ids=["jpeg", "transparent png", "16-bit png", "animated gif"],
)
def test_what_scrapy_would_re_encode_is_stored_as_the_server_sent_it(project: Project, site: DemoServer, path: str):
    assert project.crawl(site.url + path).returncode == 0
    ((stored,),) = project.rows("select path from images")
    assert (project.data / "images" / stored).read_bytes() == (ROOT / "demo/site" / path.lstrip("/")).read_bytes()


def test_what_robots_txt_forbids_is_never_asked_for(crawled: Project, site: DemoServer):
    assert not {path for _, path in site.requests} & set(EXPECTED["forbidden"])


def test_robots_txt_holds_for_the_first_requests_of_a_host_too(project: Project, site: DemoServer):
    first = ",".join(f"{site.url}/private/{number}.html" for number in range(6))
    project.crawl(first)
    assert [path for _, path in site.requests] == ["/robots.txt"]


def test_a_sitemap_leads_to_pages_that_no_link_reaches(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "sitemap=true")
    assert images(project) == EXPECTED["images"] | EXPECTED["sitemap"]["images"]


def test_every_image_but_svg_has_a_thumbnail_beside_it(crawled: Project):
    for path, format_ in crawled.rows("select path, format from images"):
        thumbnail = (crawled.data / "images" / path).with_suffix(".thumb.jpg")
        assert thumbnail.exists() == (format_ != "svg"), path


def test_crawling_twice_changes_no_row_but_last_seen_and_downloads_nothing_again(crawled: Project, site: DemoServer):
    tables = {"images": "sha256, first_seen, path, width", "sightings": "id, seen_at, alt", "failures": "id, cause"}
    before = {table: crawled.rows(f"select {columns} from {table}") for table, columns in tables.items()}
    newest = crawled.rows("select max(last_seen) from images")
    asked_for = len(site.requests)
    assert crawled.crawl(site.url).returncode == 0
    assert before == {table: crawled.rows(f"select {columns} from {table}") for table, columns in tables.items()}
    assert crawled.rows("select count(*) from images where last_seen > ?", newest[0][0]) == crawled.rows(
        "select count(*) from images"
    )
    again = {key(path) for _, path in site.requests[asked_for:]}
    assert not again & set(EXPECTED["images"])


def test_the_crawl_is_recorded_with_its_counts(crawled: Project):
    ((state, reason, pages, unique, failed),) = crawled.rows(
        "select state, reason, pages, images, failures from crawls"
    )
    assert (state, reason) == ("completed", "finished")
    assert pages == len(EXPECTED["pages"])
    assert unique == len({image["sha256"] for image in EXPECTED["images"].values()})
    assert failed == len(EXPECTED["failures"]) + len(EXPECTED["page_failures"])


def test_max_images_is_exact(project: Project, site: DemoServer):
    assert project.crawl(site.url, "-a", "max_images=7").returncode == 0
    assert project.rows("select state, reason, images from crawls") == [("completed", "max_images", 7)]
    assert len(project.files()) == 7


def test_max_images_limits_what_is_listed_too(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "max_images=7", "-a", "download=false")
    assert project.rows("select count(distinct image_url) from sightings") == [(7,)]


def test_an_image_that_is_old_is_downloaded_again_however_often_it_was_seen(project: Project):
    with Site({"/": '<img src="/a.png">', "/a.png": a_png(1)}) as site:
        for _ in range(3):
            project.crawl(site.url)
            if (project.data / "catalog.sqlite3").exists():
                project.rows("update sightings set fetched_at = datetime(fetched_at, '-50 days')")
    assert site.requests.count("/a.png") == 2


def test_a_download_that_brings_nothing_new_is_not_counted_as_stored(project: Project):
    with Site({"/": '<img src="/a.png">', "/a.png": a_png(1)}) as site:
        project.crawl(site.url)
        again = project.crawl(site.url, "-s", "IMAGES_EXPIRES=0")
    assert site.requests.count("/a.png") == 2
    assert "images stored │ 0" in " ".join(again.stderr.split())


def test_a_page_that_comes_back_is_no_failure_any_more(project: Project):
    with Site({"/": '<a href="/b">b</a>'}) as site:
        project.crawl(site.url)
        assert project.rows("select cause from failures") == [("status",)]
        site.pages["/b"] = "<p>here again</p>"
        project.crawl(site.url)
    assert project.rows("select failures from crawls") == [(0,)]


def test_what_the_robots_meta_tag_asks_for_is_done(project: Project):
    pages = {
        "/": '<a href="/closed">c</a><a href="/silent">s</a>',
        "/closed": '<meta name="robots" content="nofollow"><a href="/beyond">b</a><img src="/a.png">',
        "/silent": '<meta name="robots" content="noimageindex"><img src="/b.png">',
    }
    with Site(pages | {"/a.png": a_png(1), "/b.png": a_png(2), "/beyond": "<p>beyond</p>"}) as site:
        project.crawl(site.url)
    assert {"/closed", "/silent", "/a.png"} <= set(site.requests)
    assert not {"/beyond", "/b.png"} & set(site.requests)


def test_a_sitemap_is_found_without_a_robots_txt_and_behind_a_redirect(project: Project):
    urls = "<urlset><url><loc>{url}/hidden</loc></url></urlset>"
    with Site({"/": "<p>home</p>", "/hidden": "<p>hidden</p>", "/sitemap.xml": urls}) as site:
        host = site.url.replace("127.0.0.1", "localhost")
        site.pages["/moved"] = f"-> {host}/"
        site.pages["/sitemap.xml"] = urls.replace("{url}", host)
        project.crawl(f"{site.url}/moved", "-a", "sitemap=true", "-a", "follow=host")
        assert project.rows("select pages, failures from crawls") == [(2, 0)]
        project.crawl(site.url, "-a", "sitemap=true", "-a", "max_depth=0", "-a", "crawl_id=near")
    assert project.rows("select pages from crawls where id = 'near'") == [(1,)]


def test_max_depth_0_is_the_start_page_alone(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "max_depth=0")
    assert project.rows("select pages from crawls") == [(1,)]


def test_categories_keep_only_images_that_speak_of_them(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "categories=cat")
    kept = {url for url, _, _ in project.rows("select image_url, alt, text from sightings")}
    assert kept
    assert any("cat" in url for url in kept)
    assert project.rows("select count(*) from failures where cause = 'topic'")[0][0] > 20


def test_a_topic_as_a_category_keeps_its_images_and_their_topics(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "categories=动物")
    kept = {url.rpartition("/")[2] for (url,) in project.rows("select image_url from sightings")}
    assert {"cat.webp", "dogs-at-the-window.jpg", "seagull.svg"} <= kept
    assert "logo.svg" not in kept
    images = project.rows("select count(*) from images")
    assert project.rows("select count(*) from topics where topic = 'animals' and source = 'words'") == images
    refused = project.rows("select distinct detail from failures where cause = 'topic'")
    assert refused == [("it is not about animals",)]


def test_a_taxonomy_of_ones_own_replaces_the_topics(project: Project, site: DemoServer):
    taxonomy = project.folder / "mine.yaml"
    taxonomy.write_text("topics: {tabbies: {words: [tabby]}}")
    project.crawl(f"{site.url}/gallery/animals.html", "-a", "max_depth=0", "-s", f"TAXONOMY={taxonomy}")
    assert project.rows("select distinct topic from topics") == [("tabbies",)]


def test_a_broken_taxonomy_is_refused_at_the_start_in_one_line(project: Project, site: DemoServer):
    taxonomy = project.folder / "mine.yaml"
    taxonomy.write_text("topics: {tabbies: {words: [no]}}")
    done = project.crawl(site.url, TAXONOMY=str(taxonomy))
    assert done.returncode == 2
    assert "mine.yaml' is not allowed: topics.tabbies.words.0: it should be a valid string (in quotes)" in done.stderr
    assert site.requests == []


def test_without_download_candidates_are_listed_and_nothing_is_fetched(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "download=false")
    listed = {key(url) for (url,) in project.rows("select image_url from sightings")}
    assert set(EXPECTED["images"]) <= listed
    assert project.files() == {}
    assert not any(path.startswith("/media/") for _, path in site.requests)


def test_a_start_url_may_be_an_image(project: Project, site: DemoServer):
    path = next(iter(EXPECTED["images"]))
    project.crawl(site.url + path)
    assert {url: image["sha256"] for url, image in images(project).items()} == {
        path: EXPECTED["images"][path]["sha256"]
    }
    assert [asked for _, asked in site.requests].count(path) == 1


def test_start_urls_may_stand_in_a_file(project: Project, site: DemoServer):
    (project.folder / "urls.txt").write_text(f"# the demo\n{site.url}\n")
    done = project.run("crawl", "images", "-a", "file=urls.txt", "-s", "HOST_DELAY_SECONDS=0")
    assert done.returncode == 0
    assert images(project) == EXPECTED["images"]


def test_a_feed_holds_the_stored_images_alone(project: Project, site: DemoServer):
    project.crawl(site.url, "-O", "images.jsonl")
    lines = [json.loads(line) for line in (project.folder / "images.jsonl").read_text().splitlines()]
    assert {line["image"]["sha256"] for line in lines} == {image["sha256"] for image in EXPECTED["images"].values()}


def test_every_image_but_svg_is_understood(crawled: Project):
    told = dict(crawled.rows("select sha256, content from images"))
    known = {image["sha256"]: image["format"] for image in EXPECTED["images"].values()}
    assert {sha256 for sha256, content in told.items() if content is None} == {
        sha256 for sha256, format_ in known.items() if format_ == "svg"
    }
    names = {key(url): told[sha256] for url, sha256 in crawled.rows("select image_url, image_sha256 from sightings")}
    assert {names["/media/coffee.jpg"], names["/media/rocket.jpg"], names["/media/pavilion.jpg"]} == {"photo"}


def test_the_summary_counts_what_was_stored_and_refused(project: Project, site: DemoServer):
    summary = project.crawl(site.url).stderr
    stored = len({image["sha256"] for image in EXPECTED["images"].values()})
    for row in (
        f"images stored │ {stored}",
        "images refused: bomb │ 1",
        "pages failed: robots │ 1",
        "content: photo │",
    ):
        assert row in " ".join(summary.split()), row
    assert "scrapy report --crawl" in summary


def test_no_door_is_open_and_only_http_is_spoken(project: Project):
    for name in ("TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED", "COOKIES_ENABLED"):
        assert project.run("settings", "--getbool", name).stdout.strip() == "False", name
    handlers = project.run("settings", "--get", "DOWNLOAD_HANDLERS").stdout
    assert all(f'"{scheme}": null' in handlers for scheme in ("file", "data", "ftp", "s3"))
