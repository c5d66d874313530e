"""Every number of the policies towards a host in one table, each with its unit and its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from image_spider.config import Config


def _rule(default: Any, unit: str, meaning: str, source: str) -> Any:
    return field(default=default, metadata={"unit": unit, "meaning": meaning, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How hosts are asked. docs/reference/politeness.md is checked against it; settings of users replace some."""

    # The pace
    delay: float = _rule(0.1, "s", "between two requests to one host", "setting HOST_DELAY_SECONDS")
    places: int = _rule(4, "requests", "to one host at the same time", "setting HOST_CONCURRENCY")
    longest_delay: float = _rule(
        60.0, "s", "no host is made slower", "setting HOST_DELAY_MAX_SECONDS; Scrapy's AUTOTHROTTLE_MAX_DELAY is 60"
    )
    longest_floor: float = _rule(
        300.0, "s", "Crawl-delay is honoured so far", "setting ROBOTS_DELAY_MAX_SECONDS; as Heritrix does"
    )
    longest_closed: float = _rule(
        3600.0, "s", "Retry-After is honoured so far", "setting RETRY_AFTER_MAX_SECONDS; a decision"
    )
    slower: float = _rule(2.0, "times", "the delay, after a refusal", "a sender on TCP halves its rate: RFC 5681, 3.1")
    busy_share: float = _rule(
        0.25, "share", "of 503 that slows down; one with Retry-After always does", "a decision: one page may be broken"
    )
    first_slow: float = _rule(0.1, "s", "the least delay after a refusal", "our usual delay, where there is none")
    recovery: int = _rule(100, "answers", "until a delay that grew is back", "a decision: slow, as probing costs 429s")
    smoothing: float = _rule(0.125, "share", "of the newest latency in the smoothed one", "SRTT's alpha: RFC 6298, 2")
    forgetting: float = _rule(0.005, "share", "of a longer latency in the usual one", "a decision: 140 answers to half")
    slow_times: float = _rule(3.0, "times", "the usual latency: the host is troubled", "a decision")
    slow_more: float = _rule(
        0.5, "s", "above the usual latency: the same", "a decision: our own event loop may stand still for tenths"
    )

    # The breaker
    failures: int = _rule(
        10,
        "in a row",
        "open the breaker",
        "setting BREAKER_FAILURES; Envoy ejects after 5, but a site's pages differ more than a service's answers",
    )
    first_open: float = _rule(5.0, "s", "it is open, and twice as long each time", "setting BREAKER_SECONDS")
    longest_open: float = _rule(300.0, "s", "it is open at the most", "Envoy's max_ejection_time")
    openings: int = _rule(
        5,
        "in a row",
        "and the next failure gives the host up",
        "setting BREAKER_OPENINGS; 5 last 155 s, as a restart may",
    )
    down: float = _rule(600.0, "s", "a host is given up for", "setting HOST_DOWN_SECONDS; a decision")

    # Retries
    first_wait: float = _rule(
        2.0, "s", "bound of the first wait, twice as much each time", "setting RETRY_DELAY_SECONDS"
    )
    longest_wait: float = _rule(60.0, "s", "bound of any wait", "setting RETRY_DELAY_MAX_SECONDS")
    retry_share: float = _rule(
        0.2, "retries", "that each request to a host allows", "setting RETRY_SHARE; Finagle's percentCanRetry"
    )
    retry_reserve: float = _rule(
        10.0, "retries", "that a host has before its first request", "Finagle allows 10 a second"
    )
    retry_most: float = _rule(100.0, "retries", "that can be saved", "gRPC A6 bounds maxTokens by 1000; a decision")


def rules_of(settings: Config) -> Rules:
    """Return the rules with what the user has set."""
    return Rules(
        delay=settings.HOST_DELAY_SECONDS,
        places=settings.HOST_CONCURRENCY,
        longest_delay=settings.HOST_DELAY_MAX_SECONDS,
        longest_floor=settings.ROBOTS_DELAY_MAX_SECONDS,
        longest_closed=settings.RETRY_AFTER_MAX_SECONDS,
        failures=settings.BREAKER_FAILURES,
        first_open=settings.BREAKER_SECONDS,
        openings=settings.BREAKER_OPENINGS,
        down=settings.HOST_DOWN_SECONDS,
        first_wait=settings.RETRY_DELAY_SECONDS,
        longest_wait=settings.RETRY_DELAY_MAX_SECONDS,
        retry_share=settings.RETRY_SHARE,
    )
