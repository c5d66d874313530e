"""Images fetched again from where they came from: by a crawl of their URLs, with all that a crawl minds.

That is the project's own spider in a process of its own, so addresses are guarded, hosts are asked politely, and bytes
are checked and stored as in any crawl. What a URL gives today is stored under its own SHA-256: if the picture has
changed there, the lost one stays lost.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime

from image_spider.config import Config, environment_of
from image_spider.exceptions import UsageError
from image_spider.urls import start_url


def fetch_again(urls: Iterable[str], *, settings: Config) -> str:
    """Crawl these URLs and no link of them; return the crawl's id, when it has ended in a local run.

    In a fleet the URLs are pushed to its workers, and nobody waits for them.
    """
    crawl_id = f"repair-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    with tempfile.NamedTemporaryFile("w", suffix=".txt", prefix="image_spider-", encoding="utf-8") as file:
        file.writelines(f"{url}\n" for url in dict.fromkeys(urls) if _may_start(url))
        file.flush()
        if settings.REDIS_URL:
            words = ["push", "--file", file.name, "--crawl-id", crawl_id, "--max-depth", "0"]
        else:
            arguments = {"file": file.name, "max_depth": "0", "crawl_id": crawl_id}
            given = [word for name, value in arguments.items() for word in ("-a", f"{name}={value}")]
            words = ["crawl", "images", *given, "--loglevel", "WARNING"]
        # Standard output is the command's own, which may be JSON.
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "scrapy", *words], check=False, stdout=sys.stderr, env=environment_of(settings)
        )
    return crawl_id


def _may_start(url: str) -> bool:
    """Tell whether a crawl may begin with a URL: one that may not would end it for all."""
    try:
        start_url(url)
    except UsageError:
        return False
    return "\n" not in url
