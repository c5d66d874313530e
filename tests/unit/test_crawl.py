from dataclasses import replace
from pathlib import Path

import pytest

from image_spider.crawl import Crawl
from image_spider.exceptions import UsageError

URL = "https://example.com/"


def test_start_urls_come_from_a_list_and_a_file_once_each(tmp_path: Path):
    file = tmp_path / "urls.txt"
    file.write_text("# mine\nhttps://b.example/\n\nhttps://example.com/\n")
    crawl = Crawl.from_arguments(url="https://example.com,https://a.example/x?y=1,2", file=str(file))
    assert crawl.start_urls == ("https://example.com/", "https://a.example/x?y=1,2", "https://b.example/")


def test_bare_names_may_be_listed_too():
    assert Crawl.from_arguments(url="a.example,b.example/x").start_urls == ("https://a.example/", "https://b.example/x")


def test_a_bad_line_of_a_file_is_named_with_its_number(tmp_path: Path):
    (tmp_path / "urls.txt").write_text("https://a.example/\nftp://b.example/\n")
    with pytest.raises(UsageError, match=r"file .*urls\.txt, line 2='ftp://b\.example/' is not allowed: an http"):
        Crawl.from_arguments(file=str(tmp_path / "urls.txt"))


def test_the_same_arguments_are_the_same_crawl_and_others_another():
    first = Crawl.from_arguments(url=URL, max_images="5")
    assert first.id == Crawl.from_arguments(url=URL, max_images="5").id
    assert first.id != Crawl.from_arguments(url=URL, max_images="6").id
    assert first.id.startswith("example.com-")


def test_a_given_id_is_kept():
    assert Crawl.from_arguments(url=URL, crawl_id="my.crawl-1").id == "my.crawl-1"


def test_categories_are_words_without_case():
    assert Crawl.from_arguments(url=URL, categories=" Cats,, dogs ").categories == ("cats", "dogs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "url='' is not allowed: at least one start URL"),
        ({"url": "ftp://example.com/"}, "url='ftp://example.com/' is not allowed"),
        ({"url": URL, "max_images": "0"}, "max_images='0' is not allowed: a whole number from 1 to 2147483647"),
        ({"url": URL, "max_depth": "9" * 20}, "max_depth='99999999999999999999' is not allowed: a whole number from 0"),
        ({"url": URL, "max_images": "many"}, "max_images='many'"),
        ({"url": URL, "max_depth": "-1"}, "max_depth='-1' is not allowed: a whole number from 0"),
        ({"url": URL, "follow": "everything"}, "follow='everything' is not allowed: one of domain, host, any"),
        ({"url": URL, "sitemap": "maybe"}, "sitemap='maybe' is not allowed: true or false"),
        ({"url": URL, "crawl_id": "a/b"}, "crawl_id='a/b' is not allowed"),
        ({"file": "/no/such/file"}, "file='/no/such/file' is not allowed: a readable text file"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(arguments: dict[str, str], message: str):
    with pytest.raises(UsageError) as refusal:
        Crawl.from_arguments(**arguments)
    assert str(refusal.value).startswith(message)


def test_a_crawl_comes_back_from_its_record_but_for_start_urls_beyond_the_first_hundred(tmp_path: Path):
    file = tmp_path / "urls.txt"
    file.write_text("".join(f"https://a.example/{number}\n" for number in range(150)))
    crawl = Crawl.from_arguments(file=str(file), max_images="5", categories="cats", follow="host")
    back = Crawl.from_json(crawl.to_json())
    assert back == replace(crawl, start_urls=crawl.start_urls[:100])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": "a"}', '{"start_urls": [], "categories": [], "more": 1}'])
def test_what_is_no_record_of_a_crawl_is_refused(text: str):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Crawl.from_json(text)
