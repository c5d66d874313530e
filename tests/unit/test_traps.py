"""Which URLs are traps: the good ones are of real sites' kinds."""

from __future__ import annotations

import pytest

from image_spider.traps import TrapRules, without_session

RULES = TrapRules(this_year=2026)
GOOD = [
    "https://example.com/",
    "https://example.com/2026/11/20/a-story/",
    "https://example.com/news/11/11/11/story.html",
    "https://example.com/2027/01/",
    "https://example.com/archive/1911-05-13/ed-1/",
    "https://example.com/gallery/1936/05/17/",
    "https://example.com/events/2025-12-24",
    "https://example.com/product/2093-10-black",
    "https://example.com/product/20931",
    "https://example.com/item/3021055512/",
    "https://example.com/a/b/a/b/c",
    "https://example.com/en/us/en/us/",
    "https://example.com/wiki/Wikipedia:Wikipedia",
    "https://example.com/images/images/x",
    "https://example.com/search?q=cats&page=500&sort=new",
    "https://example.com/shop?color=red&color=blue&size=m&size=l&brand=a&brand=b",
    "https://example.com/?size[]=1&size[]=2&size[]=3",
    "https://example.com/100%25/offer%2520x",
    "https://example.com/?year=2026&month=12",
    "https://example.com/?year=1905",
    "https://example.com/f/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "https://example.com/t/2099-01ab7f",
    "https://example.com/" + "/".join(f"s{number}" for number in range(30)),
]
TRAPS = {
    "https://example.com/a/a/a/": "repeats itself",
    "https://example.com/x/img/x/img/x/img/": "repeats itself",
    "https://example.com/start/a/b/c/a/b/c/a/b/c/end": "repeats itself",
    "https://example.com/1/1/1/1/": "repeats itself",
    "https://example.com/" + "index.php/" * 3: "repeats itself",
    "https://example.com/" + "/".join(f"s{number}" for number in range(31)): "31 segments",
    "https://example.com/?a=1&a=1&a=1": "repeats itself",
    "https://example.com/?" + "&".join(f"f={number}" for number in range(11)): "more than 10 values of f",
    "https://example.com/?" + "&".join(f"f{number}=1" for number in range(41)): "41 parameters",
    "https://" + "a." * 9 + "example.com/": "more than 10 labels",
    "https://example.com/%252525/": "again and again",
    "https://example.com/?next=%25252525": "again and again",
    "https://example.com/calendar/2031/05/": "2031",
    "https://example.com/calendar/2093-05-17": "2093",
    "https://example.com/cal.php?date=20930517": "2093",
    "https://example.com/cal.php?year=2093&month=5": "2093",
    "https://example.com/cal.php?m=5&y=2093&view=day": "2093",
    "https://example.com/events/month/1899-05/": "1899",
    "https://example.com/kalender?jahr=1820&monat=1": "1820",
    "https://example.com/" + "x" * 2100: "2,120 characters",
}


@pytest.mark.parametrize("url", GOOD, ids=range(len(GOOD)))
def test_ordinary_urls_are_no_traps(url: str):
    assert RULES.trap(url, depth=150) == ""


@pytest.mark.parametrize("url", TRAPS, ids=range(len(TRAPS)))
def test_a_trap_is_told_with_its_reason(url: str):
    assert TRAPS[url] in RULES.trap(url)


def test_a_chain_of_links_ends():
    assert RULES.trap(GOOD[0], depth=200) == ""
    assert RULES.trap(GOOD[0], depth=201) == "it is 201 links from the start URL"
    assert TrapRules(this_year=2026, max_depth=0).trap(GOOD[0], depth=10**6) == ""


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("/a;jsessionid=0A1B?x=1", "/a?x=1"),
        ("/a;jsessionid=0A1B.node1", "/a"),
        ("/(S(lit3py55t21z5v55vlm25s55))/page.aspx", "/page.aspx"),
        ("/a?PHPSESSID=1&b=2", "/a?b=2"),
        ("/a?b=2&PHPSESSID=1", "/a?b=2"),
        ("/a?b=2&phpsessid=1&c=3", "/a?b=2&c=3"),
        ("/a?PHPSESSID=abc", "/a"),
        ("/a?cfid=1&cftoken=2", "/a"),
        ("/a?x=1&cfid=1&cftoken=2&y=2", "/a?x=1&y=2"),
        ("/a?sid=8f14e45fceea167a5a36dedd4bea2543&p=1", "/a?p=1"),
        ("/a?s=8f14e45fceea167a5a36dedd4bea2543", "/a"),
    ],
)
def test_session_ids_are_taken_out_of_links(url: str, same: str):
    assert without_session(f"https://example.com{url}") == f"https://example.com{same}"


@pytest.mark.parametrize(
    "url",
    [
        "/a?sid=17",
        "/a?s=cats",
        "/a?s=newphotographsofcats",
        "/a?class=8f14e45fceea167a5a36dedd",
        "/a;v=1/b",
        "/a?",
        "/(a)/b",
        "/a?b&c=",
    ],
)
def test_what_only_looks_a_little_like_a_session_stays(url: str):
    assert without_session(f"https://example.com{url}") in (f"https://example.com{url}", "https://example.com/a")
