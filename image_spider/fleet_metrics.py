"""A fleet's figures as Prometheus reads them; docs/reference/metrics.md is checked against the table here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from image_spider.broker.fleet_figures import FleetFigures
from image_spider.broker.records import CrawlRecord, CrawlState

ENDED_MS = 3_600_000  # a crawl that ended is shown for so long, that its last figures are read


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the reference. Counters get `_total` at the end of their names."""

    name: str
    kind: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    meaning: str


PREFIX = "image_spider_"
REDIS_UP = Figure("redis_up", "gauge", (), "1 when Redis answered just now, else 0, and nothing else is shown")
FIGURES = (
    Figure(
        "requests_outstanding",
        "gauge",
        (),
        "requests of running crawls that are queued, delayed or under way; of the 200 newest",
    ),
    Figure("requests", "gauge", (), "requests of all crawls, those that are paused included"),
    Figure("requests_delayed", "gauge", (), "requests that wait for their time, mostly retries"),
    Figure("requests_leased", "gauge", (), "requests that workers hold"),
    Figure("dead_letters", "gauge", (), "requests that were given up and are kept, at most 10,000"),
    Figure("hosts", "gauge", ("state",), "hosts that are `ready` to be asked, `waiting` for their time, `busy`"),
    Figure("start_urls", "gauge", (), "start URLs that no worker has taken yet"),
    Figure("start_urls_rejected", "gauge", (), "start URLs that were refused and are kept, at most 10,000"),
    Figure("workers", "gauge", ("state",), "workers that are `alive`, or `lost` and not cleared away yet"),
    Figure("worker_requests_per_second", "gauge", (), "what the workers that are alive do together, lately"),
    Figure("crawls", "gauge", ("state",), "of the 200 crawls that were created last"),
    Figure("crawl_outstanding", "gauge", ("crawl",), "requests of a crawl that are queued, delayed or under way"),
    Figure(
        "crawl_events",
        "counter",
        ("crawl", "event"),
        "`pages`, `images`, `failed`, `finished`, `retried`, `dead` ... of a crawl, until an hour after its end",
    ),
    Figure("redis_memory_bytes", "gauge", (), "memory that Redis uses, all nodes"),
    Figure("redis_memory_limit_bytes", "gauge", (), "its maxmemory, 0: none"),
)

Values = dict[tuple[str, ...], float]


def families(figures: FleetFigures | None, *, now_ms: float) -> Iterator[Metric]:
    """Return what Prometheus is told of these figures; None: Redis is away."""
    yield _family(REDIS_UP, {(): float(figures is not None)})
    if figures:
        values = _values(figures, now_ms)
        for figure in FIGURES:
            yield _family(figure, values[figure.name])


def _values(figures: FleetFigures, now_ms: float) -> dict[str, Values]:
    shown = [crawl for crawl in figures.crawls if crawl.ended_ms is None or crawl.ended_ms > now_ms - ENDED_MS]
    alive = [worker for worker in figures.workers if worker.alive_ms > 0]
    states = Counter(crawl.state for crawl in figures.crawls)
    lost = len(figures.workers) - len(alive)
    single: dict[str, float] = {
        "requests_outstanding": sum(c.outstanding for c in figures.crawls if c.state is CrawlState.RUNNING),
        "requests": figures.requests,
        "requests_delayed": figures.delayed,
        "requests_leased": sum(worker.leases for worker in figures.workers),
        "dead_letters": figures.dead,
        "start_urls": figures.start_urls,
        "start_urls_rejected": figures.rejected,
        "worker_requests_per_second": sum(worker.report.rate for worker in alive if worker.report),
        "redis_memory_bytes": figures.memory_bytes,
        "redis_memory_limit_bytes": figures.memory_limit_bytes,
    }
    hosts = {"ready": figures.ready_hosts, "waiting": figures.waiting_hosts, "busy": figures.busy_hosts}
    without_labels: dict[str, Values] = {name: {(): value} for name, value in single.items()}
    return without_labels | {
        "hosts": {(state,): count for state, count in hosts.items()},
        "workers": {("alive",): len(alive), ("lost",): lost},
        "crawls": {(state.value,): states[state] for state in CrawlState},
        "crawl_outstanding": {(crawl.id,): crawl.outstanding for crawl in shown},
        "crawl_events": {key: value for crawl in shown for key, value in _events(crawl).items()},
    }


def _events(crawl: CrawlRecord) -> Values:
    return {(crawl.id, event): value for event, value in sorted(crawl.counters.items())}


def _family(figure: Figure, values: Values) -> Metric:
    kind = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    family = kind(PREFIX + figure.name, figure.meaning, labels=figure.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
