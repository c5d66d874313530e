from __future__ import annotations

import pytest

from image_spider.identity.headers import Asked, browser_headers, fetch_site
from image_spider.identity.profiles import profile_of
from image_spider.identity.user_agents import load_user_agents
from tests.unit.identity.captures import CHROME, FIREFOX, SAFARI

PAGE = Asked(destination="document", secure=True, site="none")
PLAIN = Asked(destination="document", secure=False, site="none")
IMAGE = Asked(destination="image", secure=True, site="same-origin")
ALL = ("gzip", "deflate", "br", "zstd")


def headers(user_agent: str, asked: Asked, *, languages: tuple[str, ...] = ("en-US", "en"), decodable=ALL):
    found = browser_headers(profile_of(user_agent), asked, languages=languages, decodable=decodable)
    return {name.decode(): value.decode() for name, value in found if value is not None}


@pytest.mark.parametrize(
    ("url", "referrer", "site"),
    [
        ("https://a.example.com/x", "", "none"),
        ("https://a.example.com/x", "https://a.example.com/y", "same-origin"),
        ("https://a.example.com/x", "https://a.example.com:8443/y", "same-site"),
        ("https://a.example.com/x", "https://b.example.com/", "same-site"),
        ("https://a.example.com/x", "http://a.example.com/", "cross-site"),
        ("https://a.example.com/x", "https://example.org/", "cross-site"),
        ("https://me.github.io/x", "https://you.github.io/", "cross-site"),
    ],
)
def test_where_a_request_was_found_is_told_as_fetch_metadata_does(url: str, referrer: str, site: str):
    assert fetch_site(url, referrer) == site


def test_only_what_can_be_decoded_is_asked_for():
    assert headers(CHROME, PAGE)["Accept-Encoding"] == "gzip, deflate, br, zstd"
    assert headers(CHROME, PAGE, decodable=("gzip", "br"))["Accept-Encoding"] == "gzip, br"
    assert headers(SAFARI, PAGE)["Accept-Encoding"] == "gzip, deflate, br"
    assert headers(FIREFOX, PLAIN)["Accept-Encoding"] == "gzip, deflate"


def test_no_browser_asks_for_an_image_format_that_nobody_here_can_read():
    from image_spider.imaging.formats import READERS

    readable = {*READERS, "svg+xml", "apng", "*"}  # an animated PNG is a PNG
    for profile in load_user_agents("rotate").profiles:
        asked = headers(profile.user_agent, IMAGE)["Accept"].split(",")
        formats = {entry.partition(";")[0].strip() for entry in asked} - {"*/*"}
        assert {entry.removeprefix("image/") for entry in formats} <= readable, formats


def test_languages_fall_in_weight_and_never_to_nothing():
    many = ("de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da")
    assert headers(CHROME, PAGE, languages=("zh-CN",))["Accept-Language"] == "zh-CN"
    assert headers(CHROME, PAGE, languages=many)["Accept-Language"].startswith("de,fr;q=0.9,es;q=0.8")
    assert headers(CHROME, PAGE, languages=many)["Accept-Language"].endswith("da;q=0.2")


def test_hints_and_fetch_metadata_go_over_tls_alone():
    for user_agent in (CHROME, FIREFOX, SAFARI):
        assert not [name for name in headers(user_agent, PLAIN) if name.startswith("Sec-")]
        assert headers(user_agent, PAGE)["Sec-Fetch-Dest"] == "document"
        assert headers(user_agent, IMAGE)["Sec-Fetch-Dest"] == "image"


def test_an_image_without_a_page_is_one_of_another_site():
    asked = Asked(destination="image", secure=True, site="none")
    assert headers(CHROME, asked)["Sec-Fetch-Site"] == "cross-site"
