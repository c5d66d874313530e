"""Why a candidate or a page was not taken: the closed list of causes that `failures.cause` may hold."""

from __future__ import annotations

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError

from image_spider.exceptions import ProxyFailed, RefusedImage
from image_spider.items import Failure
from image_spider.refusals import RefusedRequest

STATUS = "status"  # the server answered, but not with 200
TIMEOUT = "timeout"
DNS = "dns"
CONNECTION = "connection"
PROXY = "proxy"  # no proxy could be used, or those that were tried failed
DATA_LOSS = "data_loss"  # the body ended before its Content-Length or its last chunk
TOO_LARGE = "too_large"
REDIRECTS = "redirects"
ROBOTS = "robots"
BAD_URL = "bad_url"  # a URL or scheme that is not fetched
HOST_DOWN = "host_down"  # its host failed so often that it is not asked for a time
REFUSED = "refused"  # a middleware would not have it
BLOCKED_ADDRESS = "blocked_address"  # it leads into a network that is not the internet
TRAP = "trap"  # a URL of a kind that never ends
QUOTA = "quota"  # its crawl or its host has had what it may have
NOT_HTML = "not_html"  # a start URL that is neither a page nor an image
EMPTY = "empty"
NOT_AN_IMAGE = "not_an_image"
UNSUPPORTED = "unsupported"
TRUNCATED = "truncated"
CORRUPT = "corrupt"
BOMB = "bomb"
DUPLICATE = "duplicate"  # a picture that the catalog has, and DUPLICATES is drop
TOPIC = "topic"  # it is not about the crawl's categories

ALL = frozenset(
    {
        STATUS, TIMEOUT, DNS, CONNECTION, PROXY, DATA_LOSS, TOO_LARGE, REDIRECTS, ROBOTS, BAD_URL, HOST_DOWN, REFUSED,
        BLOCKED_ADDRESS, TRAP, QUOTA, NOT_HTML, EMPTY, NOT_AN_IMAGE, UNSUPPORTED, TRUNCATED, CORRUPT, BOMB,
        DUPLICATE, TOPIC,
    }
)  # fmt: skip


def of(error: BaseException) -> Failure:
    """Return the failure that an exception of the download of a page or an image stands for.

    An exception that is none of the known ones counts as a failed connection, and its detail names it.
    """
    detail = " ".join(str(error).split())
    if isinstance(error, RefusedImage | RefusedRequest):
        return Failure(error.cause, detail)
    if isinstance(error, HttpError):
        return Failure(STATUS, f"HTTP {error.response.status}")
    if isinstance(error, IgnoreRequest):
        for words, cause in _IGNORED.items():
            if words in detail:
                return Failure(cause, detail)
        return Failure(REFUSED, detail)
    for kind, cause in _EXCEPTIONS.items():
        if isinstance(error, kind):
            return Failure(cause, detail)
    return Failure(CONNECTION, f"{type(error).__name__}: {detail}")


# Scrapy's middlewares tell these apart only by their words.
_IGNORED = {"robots.txt": ROBOTS, "max redirections": REDIRECTS, "DOWNLOAD_MAXSIZE": TOO_LARGE}

_EXCEPTIONS: dict[type[BaseException], str] = {
    ProxyFailed: PROXY,
    CannotResolveHostError: DNS,
    DownloadTimeoutError: TIMEOUT,
    DownloadCancelledError: TOO_LARGE,  # Scrapy cancels a download for DOWNLOAD_MAXSIZE alone
    ResponseDataLossError: DATA_LOSS,
    UnsupportedURLSchemeError: BAD_URL,
    NotSupported: BAD_URL,
    ValueError: BAD_URL,
}
