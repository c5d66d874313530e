"""Cookies: whose they are, and how many."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from middlewares import cookies
from middlewares.cookies import COOKIE_BYTES, COOKIES, CookiesMiddleware


@pytest.fixture
def middleware() -> CookiesMiddleware:
    return CookiesMiddleware.from_crawler(get_crawler(settings_dict={"COOKIES_ENABLED": True}))


def visit(middleware: CookiesMiddleware, url: str, *, proxy: str = "", sets: tuple[str, ...] = ()) -> str:
    """Return the Cookie header of a visit whose answer sets cookies."""
    request = Request(url, meta={"proxy": proxy} if proxy else None)
    middleware.process_request(request)
    sent = (request.headers.get("Cookie") or b"").decode()
    middleware.process_response(request, Response(url, headers={"Set-Cookie": list(sets)}))
    assert "cookiejar" not in request.meta
    return sent


def test_cookies_are_off_unless_they_are_asked_for():
    with pytest.raises(NotConfigured):
        CookiesMiddleware.from_crawler(get_crawler(settings_dict={"COOKIES_ENABLED": False}))


def test_a_site_gets_its_cookies_back_and_no_other_does(middleware: CookiesMiddleware):
    visit(middleware, "http://a.example/", sets=("one=1",))
    assert visit(middleware, "http://a.example/x") == "one=1"
    assert visit(middleware, "http://b.example/") == ""
    assert visit(middleware, "http://127.0.0.1:8000/") == ""


def test_another_proxy_is_another_visitor(middleware: CookiesMiddleware):
    visit(middleware, "http://a.example/", proxy="http://p:1", sets=("one=1",))
    assert visit(middleware, "http://a.example/", proxy="http://p:2") == ""
    assert visit(middleware, "http://a.example/") == ""
    assert visit(middleware, "http://a.example/", proxy="http://p:1") == "one=1"


def test_hosts_of_a_site_share_what_is_set_for_the_site_alone(middleware: CookiesMiddleware):
    visit(middleware, "http://www.shop.example.com/", sets=("host=1", "site=1; Domain=example.com"))
    assert visit(middleware, "http://img.shop.example.com/") == "site=1"


@pytest.mark.parametrize("domain", ["com", "co.uk", "github.io", "other.com"])
def test_a_cookie_for_more_than_its_own_site_is_refused(middleware: CookiesMiddleware, domain: str):
    visit(middleware, f"http://me.{domain}/", sets=(f"one=1; Domain={domain if domain != 'other.com' else 'b.com'}",))
    assert visit(middleware, f"http://me.{domain}/") == ""


def test_a_site_that_sets_too_many_or_too_large_ones_loses_some(middleware: CookiesMiddleware):
    many = tuple(f"c{number}={number}" for number in range(3 * COOKIES))
    visit(middleware, "http://a.example/", sets=(*many, f"large={'x' * COOKIE_BYTES}"))
    sent = visit(middleware, "http://a.example/").split("; ")
    assert len(sent) == COOKIES
    assert many[-1] in sent


def test_jars_that_were_not_used_for_long_are_forgotten(middleware: CookiesMiddleware, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cookies, "JARS", 3)
    for site in "abcad":
        visit(middleware, f"http://{site}.example/", sets=(f"of={site}",))
    assert [visit(middleware, f"http://{site}.example/") for site in "acd"] == ["of=a", "of=c", "of=d"]
    assert len(middleware.jars) == 3


def test_a_request_that_failed_leaves_no_jar_behind(middleware: CookiesMiddleware):
    request = Request("http://a.example/")
    middleware.process_request(request)
    middleware.process_exception(request, OSError("cut"))
    assert request.meta == {}
