import random
from urllib.parse import urljoin

import pytest

from image_spider.exceptions import UsageError
from image_spider.urls import (
    MAX_URL_CHARACTERS,
    Follow,
    canonical,
    has_image_extension,
    join,
    registrable_domain,
    same_site,
    start_url,
    without_credentials,
)

BASE = "https://example.com/dir/page.html?q=1"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("a.jpg", "https://example.com/dir/a.jpg"),
        ("./a.jpg", "https://example.com/dir/a.jpg"),
        ("../../../a.jpg", "https://example.com/a.jpg"),
        ("/a.jpg", "https://example.com/a.jpg"),
        ("?x", "https://example.com/dir/page.html?x"),
        ("#x", "https://example.com/dir/page.html?q=1"),
        ("//cdn.example.org/a.jpg", "https://cdn.example.org/a.jpg"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org?x=1", "http://example.org/?x=1"),
        ("HTTP://EXAMPLE.ORG:80/A#b", "http://example.org/A"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org:/", "https://example.org/"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("https://example.org/?b=2&a=1&b=", "https://example.org/?b=2&a=1&b="),
        ("https://example.org//a//b/", "https://example.org//a//b/"),
        ("https:a.jpg", "https://example.com/dir/a.jpg"),
    ],
)
def test_a_reference_is_resolved_against_the_page(reference: str, expected: str) -> None:
    assert join(BASE, reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("  /a.jpg\t\n", "https://example.com/a.jpg"),
        ("\x00\x1f /a.jpg \x01", "https://example.com/a.jpg"),
        ("/a\tb\r\nc.jpg", "https://example.com/abc.jpg"),
        ("ht\ntp://example.org/", "http://example.org/"),
        ("\\a\\b.jpg", "https://example.com/a/b.jpg"),
        ("\\\\example.org\\a.jpg", "https://example.org/a.jpg"),
        ("http:\\\\example.org\\a?b\\c", "http://example.org/a?b%5Cc"),
        ("///example.org/a.jpg", "https://example.org/a.jpg"),
        ("http:////example.org/a.jpg", "http://example.org/a.jpg"),
        ("/a b.jpg", "https://example.com/a%20b.jpg"),
        ("/a%20b%2Fc.jpg", "https://example.com/a%20b%2Fc.jpg"),
        ("/é/日本.jpg?ü=ö", "https://example.com/%C3%A9/%E6%97%A5%E6%9C%AC.jpg?%C3%BC=%C3%B6"),
        ("/a|b^c`d{e}\"f<g>'", "https://example.com/a%7Cb%5Ec%60d%7Be%7D%22f%3Cg%3E'"),
        ("/[1].jpg", "https://example.com/%5B1%5D.jpg"),
        ("/a\x00b\x7f.jpg", "https://example.com/a%00b%7F.jpg"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://user:p%40ss@example.org/a", "https://user:p%40ss@example.org/a"),
        ("https://example.com@example.org/", "https://example.com@example.org/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("http://[2001:DB8::1]/a", "http://[2001:db8::1]/a"),
        ("http://127.0.0.1/a", "http://127.0.0.1/a"),
        ("http://localhost/a", "http://localhost/a"),
        ("http://under_score.example.org./", "http://under_score.example.org./"),
    ],
)
def test_a_reference_is_repaired_as_browsers_do(reference: str, expected: str) -> None:
    assert join(BASE, reference) == expected


@pytest.mark.parametrize(
    "reference",
    [
        "",
        " \n",
        "javascript:alert(1)",
        " JaVa\tScript:alert(1)",
        "mailto:a@example.com",
        "tel:+1",
        "file:///etc/passwd",
        "ftp://example.com/a.jpg",
        "data:image/png;base64,AAAA",
        "blob:https://example.com/1",
        "about:blank",
        "ws://example.com/",
        "//",
        "///",
        "http://",
        "https://",
        "https://?x",
        "https://#x",
        "http:///?x",
        "http://:80/",
        "http://user@/",
        "http://example.com:99999/",
        "http://example.com:-1/",
        "http://example.com:x/",
        "http://[::1/",
        "http://::1]/",
        "http://[::g]/",
        "http://[fe80::1%25eth0]/",
        "http://exa mple.com/",
        "http://exa%20mple.com/",
        "http://exa<mple>.com/",
        "http://a..b/",
        "http://.example.com/",
        f"http://{'a' * 64}.com/",
        "http://example.com/\ud800",
        "http://\u2100.com/",
        "/" + "a" * MAX_URL_CHARACTERS,
        "/" + "é" * 400,
    ],
)
def test_what_cannot_be_fetched_over_http_is_no_url(reference: str) -> None:
    assert join(BASE, reference) is None


@pytest.mark.parametrize("base", ["", "page.html", "file:///etc/", "http://[", "\0", "mailto:a@example.com"])
def test_a_base_that_is_no_web_address_leaves_only_absolute_references(base: str) -> None:
    assert join(base, "a.jpg") is None
    assert join(base, "https://example.org/a.jpg") == "https://example.org/a.jpg"


def test_the_longest_url_is_taken_and_one_more_character_is_not() -> None:
    longest = "https://example.com/".ljust(MAX_URL_CHARACTERS, "a")
    assert join(BASE, longest) == longest
    assert join(BASE, longest + "a") is None
    assert join(BASE, longest.removeprefix("https://example.com")) == longest


def test_joining_never_raises_and_its_result_is_stable() -> None:
    rng = random.Random(3)
    alphabet = "htps:/\\?#@[]%.aZ09-_ \t\n\0é\u2100\ud800🙂&=;,'\"<>{}|^`"
    for _ in range(20_000):
        reference = "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 24)))
        for text in (reference, f"http://{reference}", f"//a{reference}"):
            url = join(BASE, text)
            if url is not None:
                assert url.startswith(("http://", "https://"))
                assert url.isascii()
                assert join(BASE, url) == url
                assert canonical(url) == url


@pytest.mark.parametrize(
    "base",
    [
        *(
            "https://example.com",
            BASE,
            "http://h/a//b/../c/./d;e=f?g#h",
            "https://h/a/..",
            "https://h//a//b",
            "https://h/..",
        ),
        *(
            "http://user:p%40ss@example.com:8080/é ü/x",
            "HTTP://EXAMPLE.org:80/A/b",
            "https://bücher.example/a|b/",
            "//h/a/b",
        ),
        *(
            "http://[::1]:81/a/b",
            "https://h?a/b",
            "https://h/%zz/%",
            "",
            "a/b",
            "mailto:a@h",
            "http://[",
            "http://h:x/",
        ),
        "https://example.com/".ljust(MAX_URL_CHARACTERS - 12, "a") + "/b",
    ],
)
def test_a_plain_reference_gives_what_the_standard_library_gives(base: str) -> None:
    rng = random.Random(base)
    pieces = [*"/////...?%;:=&@a", "~!$()*+,-_", "b.jpg", "%20", "..", "./", "//", "Z9"]
    for _ in range(5000):
        reference = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 10)))
        if not reference.startswith("//"):  # a host, and repaired before it is joined
            assert join(base, reference) == joined_by_the_standard_library(base, reference), reference


def joined_by_the_standard_library(base: str, reference: str) -> str | None:
    try:
        return join("", urljoin(base, reference))
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:443/a", "http://example.com:443/a"),
        ("https://example.com/A?b=2&a=1#c", "https://example.com/A?b=2&a=1"),
        ("https://User:Pass@Example.com/", "https://User:Pass@example.com/"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("https://a.example/x//you@b.example", "https://a.example/x//you@b.example"),
        ("data:image/png;sha256=00", "data:image/png;sha256=00"),
    ],
)
def test_the_canonical_form_is_one_name_for_one_resource(url: str, expected: str) -> None:
    assert canonical(url) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.example.com/", "example.com"),
        ("https://a.b.example.co.uk:8443/x", "example.co.uk"),
        ("https://me.github.io/", "me.github.io"),
        ("https://co.uk/", "co.uk"),
        ("http://localhost:8000/", "localhost"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://shop.intranet/", "shop.intranet"),
        ("https://www.xn--bcher-kva.example.de/", "example.de"),
    ],
)
def test_the_registrable_domain_is_what_the_owner_registered(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


@pytest.mark.parametrize(
    ("other", "host", "domain"),
    [
        ("http://www.example.com:8080/y", True, True),
        ("https://img.example.com/", False, True),
        ("https://example.com/", False, True),
        ("https://example.org/", False, False),
        ("https://www.example.com.evil.org/", False, False),
        ("https://www.example.com@evil.org/", False, False),
    ],
)
def test_a_site_is_a_host_or_a_domain_or_everything(other: str, host: bool, domain: bool) -> None:
    expected: dict[Follow, bool] = {"host": host, "domain": domain, "any": True}
    for follow, answer in expected.items():
        assert same_site("https://www.example.com/x", other, follow) is answer


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "https://example.com/a.JPEG?x=1#y",
        "https://example.com/a.b/c.webp",
        "https://example.com/a.png;jsessionid=1",
        "a.avif",
        "../a.svg",
    ],
)
def test_a_file_name_of_an_image_is_recognised(url: str) -> None:
    assert has_image_extension(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/a",
        "https://example.com/a.html",
        "https://example.com/a.jpg/",
        "https://example.com/a.jpg.html",
        "https://example.com/?a.jpg",
        "https://example.com/x#a.jpg",
        "https://example.jpg",
        "https://example.jpg/",
        "https://en.example.org/wiki/File:Cat.jpg",
        "ajpg",
    ],
)
def test_other_paths_are_not_those_of_images(url: str) -> None:
    assert not has_image_extension(url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://Example.com", "https://example.com/"),
        (" http://example.com/a b \n", "http://example.com/a%20b"),
        ("example.com/path?x=1", "https://example.com/path?x=1"),
        ("example.com", "https://example.com/"),
        ("example.com:8080", "https://example.com:8080/"),
        ("localhost:8000/x", "https://localhost:8000/x"),
        ("127.0.0.1/x", "https://127.0.0.1/x"),
    ],
)
def test_a_typed_start_url_becomes_canonical(text: str, url: str) -> None:
    assert start_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "example",
        "mailto:me@example.com",
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://",
        "/path",
        "a b.c",
    ],
)
def test_a_start_url_that_is_no_web_address_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError, match=r"an http or https URL, for example https://example\.com/"):
        start_url(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@a.example:8443/x?y=1", "https://a.example:8443/x?y=1"),
        ("https://me@a.example/", "https://a.example/"),
        ("https://me:p@ss@a.example/", "https://a.example/"),
        ("https://a.example/@me?to=you@b.example", "https://a.example/@me?to=you@b.example"),
        ("https://a.example/x//you@b.example", "https://a.example/x//you@b.example"),
        ("data:image/png;sha256=00", "data:image/png;sha256=00"),
    ],
)
def test_a_url_is_shown_without_its_user_and_password(url: str, shown: str):
    assert without_credentials(url) == shown
