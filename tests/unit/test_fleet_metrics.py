"""What Prometheus is told of a fleet."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, generate_latest

from image_spider.broker.fleet_figures import FleetFigures
from image_spider.broker.records import CrawlRecord, CrawlState, WorkerRecord, WorkerReport
from image_spider.fleet_metrics import FIGURES, PREFIX, REDIS_UP, families
from tests.project import ROOT

HOUR_MS = 3_600_000


def crawl(name: str, state: CrawlState, **values: object) -> CrawlRecord:
    return CrawlRecord(
        **{
            "id": name,
            "state": state,
            "arguments": "",
            "outstanding": 10,
            "counters": {"pages": 3},
            "created_ms": 0,
            "started_ms": 0,
            "ended_ms": None,
            **values,
        }
    )


def worker(alive_ms: int) -> WorkerRecord:
    return WorkerRecord(
        id="w", alive_ms=alive_ms, leases=2, report=WorkerReport(host="h", pid=1, version="1", rate=5.0)
    )


def figures(**values: object) -> FleetFigures:
    return FleetFigures(
        **{
            "crawls": (),
            "workers": (),
            "requests": 0,
            "delayed": 0,
            "dead": 0,
            "ready_hosts": 0,
            "waiting_hosts": 0,
            "busy_hosts": 0,
            "start_urls": 0,
            "rejected": 0,
            "memory_bytes": 0,
            "memory_limit_bytes": 0,
            **values,
        }
    )


def text(given: FleetFigures | None, now_ms: float = 0) -> str:
    class Given:
        def collect(self):
            return families(given, now_ms=now_ms)

    registry = CollectorRegistry()
    registry.register(Given())
    return generate_latest(registry).decode()


def test_requests_of_paused_crawls_call_for_no_worker():
    crawls = (crawl("a", CrawlState.RUNNING), crawl("b", CrawlState.PAUSED, outstanding=900))
    shown = text(figures(crawls=crawls, requests=910))
    assert "image_spider_requests_outstanding 10.0" in shown
    assert "image_spider_requests 910.0" in shown


def test_a_lost_worker_adds_nothing_to_the_rate():
    shown = text(figures(workers=(worker(1000), worker(-1))))
    assert 'image_spider_workers{state="alive"} 1.0' in shown
    assert 'image_spider_workers{state="lost"} 1.0' in shown
    assert "image_spider_worker_requests_per_second 5.0" in shown
    assert "image_spider_requests_leased 4.0" in shown


def test_a_crawl_is_shown_until_an_hour_after_its_end():
    over = crawl("a", CrawlState.FINISHED, ended_ms=1)
    line = 'image_spider_crawl_events_total{crawl="a",event="pages"} 3.0'
    assert line in text(figures(crawls=(over,)), now_ms=HOUR_MS)
    assert line not in text(figures(crawls=(over,)), now_ms=HOUR_MS + 2)


def test_without_redis_nothing_is_shown_but_that_it_is_away():
    assert [line for line in text(None).splitlines() if line[0] != "#"] == ["image_spider_redis_up 0.0"]


def test_every_figure_stands_in_the_reference():
    reference = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    rows = [tuple(row) for row in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+?) \|$", reference, re.MULTILINE)]
    assert rows == [
        (
            figure.name + ("_total" if figure.kind == "counter" else ""),
            figure.kind,
            ", ".join(f"`{label}`" for label in figure.labels),
            figure.meaning,
        )
        for figure in (REDIS_UP, *FIGURES)
    ]


def test_every_name_is_shown_for_a_fleet_that_works():
    shown = text(figures(crawls=(crawl("a", CrawlState.RUNNING),), workers=(worker(1),)))
    for figure in FIGURES:
        assert re.search(rf"^{PREFIX}{figure.name}(_total)?[{{ ]", shown, re.MULTILINE), figure.name
