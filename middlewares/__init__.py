"""What a request passes on its way to a site, and its answer on the way back: each place, and why it is there.

The lower the number, the nearer to the engine: process_request runs down this table, process_response and
process_exception run up. The settings name the middlewares as strings (image_spider/settings.py; numbers without a
name of ours are Scrapy's own); tests/integration/middlewares/test_order.py compares them with this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A middleware's number, its name in the settings, and the reason of its place."""

    number: int
    name: str
    reason: str


_SCRAPY = "scrapy.downloadermiddlewares"

ORDER = (
    Place(
        10,
        "middlewares.halted.HaltedMiddleware",
        "Above all that may wait, and fail because the crawl is paused or stopped or the run ends.",
    ),
    Place(
        20,
        "middlewares.limits.LimitsMiddleware",
        "Before the others: what is refused here, by its URL or by what its crawl has had, costs nothing more.",
    ),
    Place(
        60,
        "middlewares.addresses.AddressMiddleware",
        "Above robots.txt, which must not be asked for where nothing may be asked. Each hop of a redirect comes by.",
    ),
    Place(
        100,
        "middlewares.robots.RobotsTxtMiddleware",
        "Nothing is spent on what robots.txt forbids: no turn, no proxy, no cookie. Each hop of a redirect comes by.",
    ),
    Place(
        300,
        f"{_SCRAPY}.httpauth.HttpAuthMiddleware",
        "Scrapy's. It does nothing without HTTPAUTH_USER.",
    ),
    Place(
        350,
        f"{_SCRAPY}.downloadtimeout.DownloadTimeoutMiddleware",
        "Scrapy's. DOWNLOAD_TIMEOUT becomes the request's own, which the download handler reads.",
    ),
    Place(
        400,
        f"{_SCRAPY}.defaultheaders.DefaultHeadersMiddleware",
        "Scrapy's. Its Accept and Accept-Language are what an honest agent sends; a browser's replace them at 770.",
    ),
    Place(
        480,
        "middlewares.proxies.ProxyChoice",
        "Above what depends on the proxy: cookies and the browser that a site sees.",
    ),
    Place(
        550,
        "middlewares.retry.RetryMiddleware",
        "Above redirects, so that it sees the last answer. A body that cannot be unpacked is not asked for again: what"
        " fails in a process_response, as at 590, passes no process_exception. In place of Scrapy's.",
    ),
    Place(
        580,
        f"{_SCRAPY}.redirect.MetaRefreshMiddleware",
        "Scrapy's. Above decompression: it reads the page.",
    ),
    Place(
        585,
        "middlewares.proxies.ProxyPages",
        "Above decompression: it reads the pages that tell a ban. Below meta refresh and retries, which would take them"
        " for the site's.",
    ),
    Place(
        590,
        "middlewares.decompression.DecompressionMiddleware",
        "Above redirects: the body of one is not worth unpacking. What needs the text of a page stands above it. In"
        " place of Scrapy's.",
    ),
    Place(
        600,
        f"{_SCRAPY}.redirect.RedirectMiddleware",
        "Below robots.txt, for the new URL has rules of its own; above cookies, which a redirect may set.",
    ),
    Place(
        700,
        "middlewares.cookies.CookiesMiddleware",
        "Behind the choice of a proxy, for another proxy is another visitor with a jar of its own; above what judges"
        " the answers of proxies: the page of a ban sets no cookie. In place of Scrapy's.",
    ),
    Place(
        740,
        "middlewares.proxies.ProxyAnswers",
        "Below redirects, retries and cookies: what a banned proxy answered is none of their business.",
    ),
    Place(
        750,
        f"{_SCRAPY}.httpproxy.HttpProxyMiddleware",
        "Scrapy's. For what our proxies leave alone: those of the environment (http_proxy), credentials taken off.",
    ),
    Place(
        770,
        "middlewares.user_agents.UserAgentMiddleware",
        "Last of all that set headers, for those of a browser have an order, with Cookie and Referer in it; behind the"
        " proxies, which are part of the choice. In place of Scrapy's at 500.",
    ),
    Place(
        820,
        "middlewares.politeness.PolitenessMiddleware",
        "The last that may wait: a turn is a moment, and whatever came between it and the request would make it late.",
    ),
    Place(
        850,
        f"{_SCRAPY}.stats.DownloaderStats",
        "Scrapy's. Nearest to the site: it counts what is really sent and received.",
    ),
    Place(
        900,
        f"{_SCRAPY}.httpcache.HttpCacheMiddleware",
        "Scrapy's. It does nothing without HTTPCACHE_ENABLED.",
    ),
)
