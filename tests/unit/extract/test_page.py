import base64
import dataclasses
import json
import random
from pathlib import Path

import pytest

from image_spider.extract import extract_page
from image_spider.extract.limits import (
    MAX_ALTERNATIVES,
    MAX_CANDIDATES,
    MAX_JSON_LD_VALUES,
    MAX_LINKS,
    MAX_REFERENCES,
)
from image_spider.extract.references import References
from image_spider.items import Candidate, Page

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.html"))
PAGE_URL = "https://example.com/dir/page.html"
MUTATIONS_PER_CASE = 40
FRAGMENTS = (
    *("<", ">", "</", "<!--", "]]>", '"', "'", "&", "[", "{", "\\", "url(", "data:image/", "%zz", "\0", "\ud800", "é"),
    *("<picture>", "<noscript>", "<script type=application/ld+json>", "<p itemscope itemtype=ImageObject>", "<style>"),
)


def page_of(html: str, url: str = PAGE_URL, max_data_uri_bytes: int = 1000) -> Page:
    return extract_page(html, url, max_data_uri_bytes=max_data_uri_bytes)


def written_out(page: Page) -> dict[str, object]:
    """The page as its JSON file holds it: fields that have their default value are not written."""
    defaults = Candidate(url="", source="")
    candidates = []
    for candidate in page.candidates:
        fields = {field.name: getattr(candidate, field.name) for field in dataclasses.fields(candidate)}
        fields = {name: value for name, value in fields.items() if value != getattr(defaults, name)}
        if candidate.data is not None:
            fields["data"] = base64.b64encode(candidate.data).decode()
        candidates.append(fields)
    asked = {name: True for name in ("nofollow", "noimageindex") if getattr(page, name)}
    return {"title": page.title, "links": list(page.links), "candidates": candidates} | asked


def read_case(name: str) -> tuple[str, dict[str, object]]:
    html = (CASES / f"{name}.html").read_bytes().decode()
    return html, json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_gives_what_is_written_beside_it(name: str) -> None:
    html, expected = read_case(name)
    url = str(expected.pop("url", PAGE_URL))
    max_data_uri_bytes = expected.pop("max_data_uri_bytes", 1000)
    assert isinstance(max_data_uri_bytes, int)
    page = json.loads(json.dumps(written_out(page_of(html, url, max_data_uri_bytes))))
    assert page == {"title": "", "links": [], "candidates": []} | expected


def test_every_page_has_its_expectation() -> None:
    assert sorted(path.stem for path in CASES.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_mutated_page_never_raises_and_keeps_its_promises(name: str) -> None:
    rng = random.Random(name)
    html, _ = read_case(name)
    for _ in range(MUTATIONS_PER_CASE):
        page = page_of(mutated(html, rng))
        urls = [candidate.url for candidate in page.candidates]
        assert len(urls) == len(set(urls))
        assert all(url.startswith(("https://", "http://", "data:image/")) for url in urls)
        assert all(link.startswith(("https://", "http://")) for link in page.links)
        assert all(candidate.url not in candidate.alternatives for candidate in page.candidates)
        assert all(len(candidate.text) <= 200 for candidate in page.candidates)


def mutated(html: str, rng: random.Random) -> str:
    text = list(html)
    for _ in range(rng.randint(1, 8)):
        position = rng.randint(0, len(text))
        match rng.randint(0, 3):
            case 0:
                text[position : position + rng.randint(1, 20)] = []
            case 1:
                text.insert(position, rng.choice(FRAGMENTS))
            case 2:
                text.insert(position, chr(rng.randint(0, 0xFFFF)))
            case _:
                start = rng.randint(0, len(text))
                text[position:position] = text[start : start + rng.randint(1, 60)]
    return "".join(text)


def test_any_characters_at_all_are_a_page() -> None:
    rng = random.Random(7)
    for _ in range(200):
        page_of("".join(chr(rng.randint(0, 0x10FFFF)) for _ in range(rng.randint(0, 300))))


@pytest.mark.parametrize("url", ["", "not a url", "http://[", "file:///etc/passwd", "\0", "https://example.com:x/"])
def test_a_page_url_that_is_none_leaves_only_absolute_urls(url: str) -> None:
    page = page_of('<img src="a.jpg"><img src="https://example.org/b.jpg"><a href="c">c</a>', url)
    assert [candidate.url for candidate in page.candidates] == ["https://example.org/b.jpg"]
    assert page.links == ()


def test_the_same_image_a_thousand_times_is_one_candidate() -> None:
    page = page_of('<p>Words <img src="a.jpg" srcset="b.jpg 2x, c.jpg 3x"></p>' * 1000)
    assert len(page.candidates) == 1
    assert page.candidates[0].alternatives == ("https://example.com/dir/b.jpg", "https://example.com/dir/a.jpg")


def test_huge_attributes_and_texts_are_cut_or_left_out() -> None:
    million = "x" * 1_000_000
    html = (
        f'<title>{million}</title><p>{million}<img src="a.jpg" alt="{million}" data-src="/{million}" title="{million}">'
    )
    page = page_of(html + f'<img src="/{million}.jpg"><div style="background: url({million})">')
    (candidate,) = page.candidates
    assert candidate.url == "https://example.com/dir/a.jpg"
    assert (len(candidate.alt), len(candidate.title), len(candidate.text), len(page.title)) == (1000, 1000, 200, 1000)


def test_a_page_nested_too_deeply_keeps_what_stands_before() -> None:
    page = page_of('<title>Deep</title><p>Words<img src="a.jpg">' + "<div>" * 5000 + '<img src="b.jpg">')
    assert page.title == "Deep"
    assert [(candidate.url, candidate.text) for candidate in page.candidates] == [
        ("https://example.com/dir/a.jpg", "Words")
    ]


def test_a_long_page_is_read_to_its_end() -> None:
    page = page_of("".join(f'<p>日本 é {number}<img src="ü{number}.jpg" alt="ä"></p>' for number in range(5000)))
    assert [candidate.url for candidate in page.candidates] == [
        f"https://example.com/dir/%C3%BC{number}.jpg" for number in range(5000)
    ]
    assert {candidate.alt for candidate in page.candidates} == {"ä"}
    assert page.candidates[-1].text == "日本 é 4999"


@pytest.mark.parametrize(
    "html",
    [
        "".join(f'<img src="/{number}.jpg">' for number in range(MAX_CANDIDATES + 10)),
        "".join(f'<a href="/{number}.jpg">' for number in range(MAX_CANDIDATES + 10)),
        "<style>"
        + "".join(f"a{{background:url(/{number}.jpg)}}" for number in range(MAX_CANDIDATES + 10))
        + "</style>",
        '<script type="application/ld+json">{"image":'
        + json.dumps([f"/{number}.jpg" for number in range(MAX_CANDIDATES + 10)])
        + "}</script>",
    ],
    ids=["img", "anchor", "style", "json-ld"],
)
def test_the_first_candidates_are_taken_and_what_is_beyond_the_limit_is_left_out(html: str) -> None:
    page = page_of(html + '<p><img src="/beyond.jpg"><a href="/link">')
    assert [candidate.url for candidate in page.candidates] == [
        f"https://example.com/{number}.jpg" for number in range(MAX_CANDIDATES)
    ]
    assert page.links == ("https://example.com/link",)


def test_the_first_links_are_taken_and_what_is_beyond_the_limit_is_left_out() -> None:
    page = page_of("".join(f'<a href="/{number}">' for number in range(MAX_LINKS + 10)) + '<img src="/a.jpg">')
    assert page.links == tuple(f"https://example.com/{number}" for number in range(MAX_LINKS))
    assert len(page.candidates) == 1


def test_a_picture_has_no_more_alternatives_than_the_limit() -> None:
    page = page_of("".join(f'<img src="/{number}.jpg" data-full="/a.jpg">' for number in range(MAX_ALTERNATIVES + 10)))
    (candidate,) = page.candidates
    assert candidate.alternatives == tuple(f"https://example.com/{number}.jpg" for number in range(MAX_ALTERNATIVES))


def test_json_ld_is_read_up_to_the_limit() -> None:
    values = ["", *[{}] * MAX_JSON_LD_VALUES, {"image": "/beyond.jpg"}]
    page = page_of(f'<script type="application/ld+json">{json.dumps(values)}</script><img src="/a.jpg">')
    assert [candidate.url for candidate in page.candidates] == ["https://example.com/a.jpg"]


def test_no_more_references_than_the_limit_are_resolved() -> None:
    references = References(PAGE_URL)
    for number in range(MAX_REFERENCES):
        references.resolve(f"mailto:{number}")
    assert references.resolve("mailto:0") is None
    assert references.resolve("a.jpg") is None


PIECES = [
    *("<div>", "</x>", "<a href=x>", "<noscript>", "&lt;noscript&gt;", "<picture><source srcset=a>", "<svg>"),
    *("<figure><figcaption>", '<div style="', "<style>image-set(", "url(", '\\"', "/*", "@import ", "1", "(", ","),
    *("-blank", ";.jpg", "{", "%"),
]
FRAMES = ["{}", "<style>{}</style>", "<img srcset='{}'>", "<img data-src='{}' src='{}'>", "<p style='{}'>"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("frame", FRAMES)
def test_repetition_does_not_multiply_the_work(frame: str, piece: str) -> None:
    page = page_of(frame.replace("{}", piece * 20_000))
    assert len(page.candidates) <= 20_000
