"""How proxies are written, and that nothing shows their credentials."""

from __future__ import annotations

import pytest

from image_spider.exceptions import UsageError
from image_spider.proxies.proxy import parse, read_list

SECRET = "geheim"


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("proxy.example:3128", "http://proxy.example:3128", "http://proxy.example:3128"),
        ("https://10.0.0.1:443", "https://10.0.0.1:443", "https://10.0.0.1:443"),
        ("socks5h://[::1]:1080/", "socks5h://[::1]:1080", "socks5h://[::1]:1080"),
        ("me:p%40ss@gate:8000", "http://gate:8000#2744cc", "http://me:p%40ss@gate:8000"),
        ("socks5://me:x@gate:1080", "socks5://gate:1080#2744cc", "socks5://me:x@gate:1080"),
    ],
)
def test_a_proxy_is_read_and_written(text: str, name: str, url: str):
    proxy = parse(text)
    assert (proxy.name, proxy.url) == (name, url)
    assert parse(proxy.url) == proxy


def test_users_of_one_address_are_several_proxies_and_a_new_password_makes_none():
    names = [parse(f"http://{user}@gate:8000").name for user in ("a:1", "b:1", "a:2", "a:")]
    assert names[0] == names[2] == names[3] != names[1]


def test_neither_repr_nor_name_nor_address_shows_credentials():
    proxy = parse(f"http://anna:{SECRET}@gate:8000")
    for shown in (repr(proxy), str(proxy), proxy.name, proxy.address):
        assert "anna" not in shown
        assert SECRET not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"ftp://me:{SECRET}@gate:21",
        f"me:{SECRET}@gate",  # no port
        f"me:ge/{SECRET}@gate:80",
        f"http://me:{SECRET}@gate:port",
        f"http://me:{SECRET}@:80",
        f"gate:8000:me:{SECRET}",
        f"http://me:{SECRET}@gate:80/path",
        f"http://gate:80?password={SECRET}",
        f"http://[me:{SECRET}@gate:80",
        f"socks5://me@gate:{SECRET}",
        f"socks5://m\xe9:{SECRET}@gate:1080",
        f"socks5://{SECRET}@gate:1080",
        f"socks5://me:{SECRET * 50}@gate:1080",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_repeated(text: str):
    with pytest.raises(UsageError, match="PROXY_LIST, line 2=") as refusal:
        read_list(f"good:80\n{text}", setting="PROXY_LIST")
    error: BaseException | None = refusal.value
    while error:
        assert SECRET not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_list_may_have_comments_commas_and_repetitions():
    text = "# mine\na:1, b:2\n\n  c:3   a:1\n"
    assert [proxy.host for proxy in read_list(text, setting="x")] == ["a", "b", "c"]
