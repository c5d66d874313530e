import gzip

import pytest

from image_spider.sitemap import parse_sitemap, sitemaps_in_robots

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
    assert parse_sitemap(gzip.compress(INDEX)).sitemaps == ("https://example.com/1.xml",)


@pytest.mark.parametrize("body", [b"", b"\x00", b"<html", b"not xml", gzip.compress(INDEX)[:30], b"\x1f\x8b"])
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
