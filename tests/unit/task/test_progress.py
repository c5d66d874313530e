from __future__ import annotations

from image_spider.items import Failure
from image_spider.task.progress import SHOWN_FAILURES, Progress

GONE = Failure("status", "HTTP 404")


def test_pages_are_known_once_and_settled_once():
    now = [100.0]
    progress = Progress(clock=lambda: now[0])
    assert progress.known("a")
    assert not progress.known("a")
    assert progress.known("b")
    assert progress.known("c")
    progress.fetching("b")
    progress.settled("a", read=True)
    progress.settled("a", read=False, failure=GONE)
    progress.settled("b", read=False, failure=GONE)
    progress.settled("never heard of", read=True)
    progress.add_items(2)
    progress.add_error()
    progress.enter("crawling")
    now[0] = 103.5
    assert progress.snapshot() == {
        "total_urls": 3,
        "crawled_urls": 2,
        "successful_urls": 1,
        "failed_urls": 1,
        "current_url": "b",
        "current_stage": "crawling",
        "percentage": 66.7,
        "runtime_seconds": 3.5,
        "data_items": 2,
        "error_count": 2,
    }
    assert progress.failures() == {
        "by_cause": {"status": 1},
        "first": [{"url": "b", "cause": "status", "detail": "HTTP 404"}],
    }


def test_the_percentage_never_falls_and_is_100_only_at_the_end():
    progress = Progress()
    assert progress.snapshot()["percentage"] == 0
    progress.known("a")
    progress.settled("a", read=True)
    assert progress.snapshot()["percentage"] == 99
    for number in range(10):  # links were found
        progress.known(f"link {number}")
    assert progress.snapshot()["percentage"] == 99
    progress.finish()
    assert progress.snapshot()["percentage"] == 100
    assert progress.snapshot()["crawled_urls"] == 11


def test_a_page_that_will_not_be_asked_for_is_not_counted():
    progress = Progress()
    progress.known("a")
    progress.dropped("a")
    assert progress.snapshot()["total_urls"] == 0


def test_of_many_failures_the_first_are_listed_and_all_are_counted():
    progress = Progress()
    for number in range(SHOWN_FAILURES + 5):
        progress.known(str(number))
        progress.settled(str(number), read=False, failure=GONE)
    failures = progress.failures()
    assert failures["by_cause"] == {"status": SHOWN_FAILURES + 5}
    assert len(failures["first"]) == SHOWN_FAILURES  # type: ignore[arg-type]


def test_credentials_of_a_page_are_never_shown_and_pages_told_apart_by_them_all_the_same():
    progress = Progress()
    for user in ("me", "you"):
        url = f"https://{user}:secret@a.example/"
        progress.known(url)
        progress.fetching(url)
        progress.settled(url, read=False, failure=GONE)
    assert progress.snapshot()["crawled_urls"] == 2
    assert progress.snapshot()["current_url"] == "https://a.example/"
    assert progress.failures()["first"] == [{"url": "https://a.example/", "cause": "status", "detail": "HTTP 404"}] * 2
