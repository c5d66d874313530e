"""How many pages a crawl may still ask for, in all and from one host: counted here by a local run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class PageQuotas:
    """Counts pages when they are queued, so that a trap fills no queue.

    Pages are requests that the filter of a crawl has not seen: redirects and sitemaps are among them, retries are not.
    A count for each host has no bound of its own: that filter holds more, a fingerprint for each page.
    """

    def __init__(self, *, host_max_pages: int, asked: Mapping[str, int] | None = None) -> None:
        self._host_max_pages = host_max_pages
        self._by_host = Counter(asked or {})
        self._asked = self._by_host.total()

    @property
    def asked(self) -> Mapping[str, int]:
        """Pages that were asked for, by host."""
        return self._by_host

    def refusal(self, host: str, *, max_pages: int | None) -> str:
        """Return why a page more is not asked for, or nothing."""
        if max_pages is not None and self._asked >= max_pages:
            return crawl_refusal(max_pages)
        if self._host_max_pages and self._by_host[host] >= self._host_max_pages:
            return host_refusal(host, self._host_max_pages)
        return ""

    def count(self, host: str) -> None:
        """Count a page that is asked for."""
        self._by_host[host] += 1
        self._asked += 1


def crawl_refusal(max_pages: int) -> str:
    """Say that a crawl has had its pages."""
    return f"the crawl has asked for {max_pages:,} pages, its max_pages"


def host_refusal(host: str, pages: int) -> str:
    """Say that a host was asked for as many pages as a crawl may ask one for."""
    return f"{host} was asked for {pages:,} pages, HOST_MAX_PAGES"
