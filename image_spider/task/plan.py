"""The JSON file of a task -> the crawl and the settings that it asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from image_spider import causes
from image_spider.crawl import Crawl
from image_spider.exceptions import UsageError
from image_spider.items import Failure
from image_spider.task.config import TaskConfig
from image_spider.urls import join, start_url

MAX_PAGES = 1_000  # of a task that follows links and names no limit
SHUTDOWN_SECONDS = 5.0  # what is being transferred has, when the task is told to end: Docker kills after 10

# Nothing tells where the password of a malformed URL ends.
_CREDENTIALS = re.compile(r"(?!mailto:)((?:[a-z][a-z0-9+.-]*:)?//)?.*@", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    settings are Scrapy's and ours, which win over the environment; defaults give way to it. unusable are target URLs
    that no crawler can fetch, masked; left_out counts those beyond max_pages.
    """

    crawl: Crawl
    max_pages: int | None
    settings: dict[str, object]
    defaults: dict[str, object]
    unusable: tuple[tuple[str, Failure], ...]
    left_out: int


def make_plan(config: TaskConfig, *, execution_id: str, output: Path) -> Plan:
    """Return the plan; raises UsageError when nothing can be crawled."""
    usable, unusable = _targets(config)
    asked = config.crawl_config
    starts = usable[: asked.max_pages]
    max_pages = asked.max_pages or (max(MAX_PAGES, len(starts)) if asked.follow_links else None)
    crawl = Crawl(
        id=execution_id,
        start_urls=starts,
        max_images=None,
        max_depth=None if asked.follow_links else 0,
        categories=(),
        follow="domain",
        sitemap=False,
        download=asked.extract_images,
    )
    return Plan(
        crawl=crawl,
        max_pages=max_pages,
        settings=_settings(config),
        defaults={"DATA_DIR": str(output), "SHUTDOWN_SECONDS": SHUTDOWN_SECONDS},
        unusable=unusable,
        left_out=len(usable) - len(starts),
    )


def _targets(config: TaskConfig) -> tuple[tuple[str, ...], tuple[tuple[str, Failure], ...]]:
    """Return the URLs to start with, each once, and those that cannot be fetched."""
    base = ""
    if config.base_url:
        try:
            base = start_url(config.base_url)
        except UsageError as error:
            raise UsageError("base_url", _masked(config.base_url), error.allowed) from None
    usable: dict[str, None] = {}
    unusable: dict[str, Failure] = {}
    for text in config.target_urls or filter(None, [base]):
        try:
            usable[_absolute(base, text)] = None
        except UsageError as error:
            unusable[_masked(text)] = Failure(causes.BAD_URL, error.allowed)
    if not usable:
        named = f"{next(iter(unusable))}" if unusable else ""
        raise UsageError("target_urls", named, "at least one http or https URL, or base_url")
    return tuple(usable), tuple(unusable.items())


def _masked(text: str) -> str:
    match = _CREDENTIALS.match(text)
    return f"{match[1] or ''}***@{text[match.end() :]}" if match else text


def _absolute(base: str, text: str) -> str:
    """Return a target URL; what names no scheme is relative to base_url, if there is one."""
    if not base or "://" in text:
        return start_url(text)
    url = join(base, text)
    if url is None:
        raise UsageError("target_urls", text, "an http or https URL, or one relative to base_url")
    return url


def _settings(config: TaskConfig) -> dict[str, object]:
    values: dict[str, object] = {}
    if config.user_agent:
        values |= {"USER_AGENT": config.user_agent, "USER_AGENTS": "honest"}
    asked = {
        "DOWNLOAD_TIMEOUT": config.timeout,
        "HOST_DELAY_SECONDS": config.delay,
        "RETRY_TIMES": config.max_retries,
    }
    return values | {name: value for name, value in asked.items() if value is not None}
