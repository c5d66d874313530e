from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from image_spider.exceptions import UsageError
from image_spider.task.config import TaskConfig
from image_spider.task.plan import MAX_PAGES, Plan, make_plan


def plan(**values: Any) -> Plan:
    return make_plan(TaskConfig.model_validate(values), execution_id="e1", output=Path("/app/output"))


def test_the_execution_is_the_crawl_and_only_its_targets_are_read():
    made = plan(target_urls=["https://a.example/", "b.example/x", "https://a.example/"])
    crawl = made.crawl
    assert crawl.id == "e1"
    assert crawl.start_urls == ("https://a.example/", "https://b.example/x")
    assert (crawl.max_depth, made.max_pages, crawl.download) == (0, None, True)


def test_targets_without_a_scheme_are_relative_to_the_base_url_which_alone_is_a_target():
    made = plan(base_url="https://shop.example/de/", target_urls=["lamps", "/news", "?page=2", "https://b.example/"])
    assert made.crawl.start_urls == (
        "https://shop.example/de/lamps",
        "https://shop.example/news",
        "https://shop.example/de/?page=2",
        "https://b.example/",
    )
    assert plan(base_url="shop.example").crawl.start_urls == ("https://shop.example/",)


def test_links_are_followed_to_a_number_of_pages_that_is_never_without_end():
    follows = {"follow_links": True}
    made = plan(base_url="https://a.example/", crawl_config=follows)
    assert (made.crawl.max_depth, made.max_pages) == (None, MAX_PAGES)
    targets = [f"https://a.example/{number}" for number in range(MAX_PAGES + 5)]
    assert plan(target_urls=targets, crawl_config=follows).max_pages == MAX_PAGES + 5
    limited = plan(target_urls=targets, crawl_config=follows | {"max_pages": 3})
    assert (limited.max_pages, len(limited.crawl.start_urls), limited.left_out) == (3, 3, MAX_PAGES + 2)


def test_a_url_that_nobody_can_fetch_is_put_aside_with_its_reason():
    made = plan(target_urls=["mailto:me@a.example", "https://a.example/", "http://[", ""])
    assert made.crawl.start_urls == ("https://a.example/",)
    assert [(url, failure.cause) for url, failure in made.unusable] == [
        ("mailto:me@a.example", "bad_url"),
        ("http://[", "bad_url"),
        ("", "bad_url"),
    ]


@pytest.mark.parametrize(
    ("values", "name"),
    [({}, "target_urls"), ({"target_urls": ["mailto:x"]}, "target_urls"), ({"base_url": "ftp://x"}, "base_url")],
)
def test_a_task_without_anything_to_crawl_is_refused(values: dict[str, Any], name: str):
    with pytest.raises(UsageError) as refused:
        plan(**values)
    assert refused.value.name == name


def test_what_the_file_asks_for_becomes_settings():
    asked = plan(base_url="a.example", user_agent="Bot/1", timeout=7, delay=0, max_retries=0)
    assert asked.settings == {
        "USER_AGENT": "Bot/1",
        "USER_AGENTS": "honest",
        "DOWNLOAD_TIMEOUT": 7.0,
        "HOST_DELAY_SECONDS": 0.0,
        "RETRY_TIMES": 0,
    }
    assert plan(base_url="a.example").settings == {}
    assert asked.defaults["DATA_DIR"] == "/app/output"


def test_credentials_of_a_url_that_nobody_can_fetch_are_masked():
    made = plan(target_urls=["https://a.example/", "ftp://me:secret@b.example/", "http://me:sec/ret@b.example/"])
    assert [text for text, _ in made.unusable] == ["ftp://***@b.example/", "http://***@b.example/"]
    assert plan(target_urls=["https://a.example/", "mailto:me@b.example"]).unusable[0][0] == "mailto:me@b.example"
    for values in ({"target_urls": ["me:secret@b.example"]}, {"base_url": "ftp://me:secret@b.example/"}):
        with pytest.raises(UsageError) as refused:
            plan(**values)
        assert "secret" not in str(refused.value)
