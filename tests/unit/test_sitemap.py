import gzip
import subprocess
import sys
import time

import pytest

from image_spider.sitemap import parse_sitemap, sitemaps_in_robots
from tests.project import ROOT

URLSET = b"""<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:i="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://example.com/a </loc><i:image><i:loc>https://example.com/a.jpg</i:loc></i:image></url>
<url><loc>/b</loc></url><url><lastmod>2026-01-01</lastmod></url></urlset>"""
INDEX = b"""<sitemapindex><sitemap><loc>https://example.com/1.xml</loc></sitemap></sitemapindex>"""


def test_a_sitemap_names_pages_and_their_images():
    sitemap = parse_sitemap(URLSET)
    assert sitemap.pages == ("https://example.com/a", "/b")
    assert sitemap.images == (("https://example.com/a", "https://example.com/a.jpg"),)


def test_an_index_names_sitemaps():
    assert parse_sitemap(INDEX).sitemaps == ("https://example.com/1.xml",)


def test_a_compressed_sitemap_is_read():
    assert parse_sitemap(gzip.compress(INDEX, mtime=0)).sitemaps == ("https://example.com/1.xml",)


@pytest.mark.parametrize("body", [b"", b"\x00", b"<html", b"not xml", gzip.compress(INDEX, mtime=0)[:30], b"\x1f\x8b"])
def test_what_is_no_sitemap_names_nothing(body: bytes):
    sitemap = parse_sitemap(body)
    assert (sitemap.sitemaps, sitemap.pages, sitemap.images) == ((), (), ())


def test_what_stands_before_the_break_of_a_cut_sitemap_is_kept():
    assert parse_sitemap(URLSET.partition(b"<url><loc>/b")[0]).pages == ("https://example.com/a",)


def test_entities_are_not_expanded():
    body = b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>a&x;</loc></url></urlset>'
    assert "root" not in "".join(parse_sitemap(body).pages)


def test_robots_names_sitemaps():
    robots = "User-agent: *\nDisallow: /x\nSitemap: https://example.com/s.xml # ours\n sitemap:/t.xml\r\n"
    assert sitemaps_in_robots(robots) == ["https://example.com/s.xml", "/t.xml"]


@pytest.mark.parametrize("piece", ["\n", " ", "\t \n", "sitemap:", "sitemap: ", "sitemap:\n", "\r"])
def test_the_time_for_a_robots_txt_grows_as_its_length_does(piece: str):
    def seconds(count: int) -> float:
        text, least = piece * count, float("inf")
        for _ in range(5):
            begin = time.thread_time()
            sitemaps_in_robots(text)
            least = min(least, time.thread_time() - begin)
        return least

    assert seconds(32 * 4096) < 32 * 8 * (seconds(4096) + 1e-5), "its square would be 32 times 32"


def test_a_sitemap_gives_no_more_entries_than_the_protocol_allows():
    entries = "".join(f"<url><loc>/{number}</loc></url>" for number in range(50_010))
    assert len(parse_sitemap(f"<urlset>{entries}</urlset>".encode()).pages) == 50_000


BOMBS = """
import gzip, resource, sys
from image_spider.sitemap import parse_sitemap
bomb = {
    "tags": lambda: b"<urlset>" + b"<a/>" * 5_000_000,
    "nested": lambda: b"<urlset>" + b"<url>" * 4_000_000,
    "attributes": lambda: b"<urlset><url " + b'a="" ' * 4_000_000,
    "packed": lambda: gzip.compress(b"<urlset>" + b" " * 60_000_000, 1),
    "packed tags": lambda: gzip.compress(b"<urlset>" + b"<url/>" * 5_000_000, 6),
}[sys.argv[1]]()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parse_sitemap(bomb)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("bomb", ["tags", "nested", "attributes", "packed", "packed tags"])
def test_a_sitemap_that_is_a_bomb_takes_little_memory(bomb: str):
    done = subprocess.run([sys.executable, "-c", BOMBS, bomb], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400_000, "kilobytes beyond those of the body itself"
