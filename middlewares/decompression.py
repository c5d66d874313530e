"""Scrapy's decompression, with an eye on how much becomes of how little."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Self

import brotli  # type: ignore[import-untyped]
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from image_spider import causes, config
from image_spider.extensions.proxies import Proxies
from image_spider.refusals import RefusedRequest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

FREE_BYTES = 1024 * 1024  # an empty table of a megabyte is no bomb, whatever it was packed into
DAMAGED = (zlib.error, OSError, EOFError, brotli.error, zstd.ZstdError)
MAX_ENCODINGS = 5  # one within the other; curl and urllib3 take five


class DecompressionMiddleware(HttpCompressionMiddleware):
    """Unpack a body of at most so many times its bytes on the network, all its encodings together.

    DOWNLOAD_MAXSIZE, which Scrapy's own middleware holds, bounds the memory of one answer; the ratio bounds what a site
    can make us do with little traffic of its own. Weakness: the bytes are unpacked on the event loop, 32 MiB in 0.1 s.
    """

    max_ratio = 0
    proxies: Proxies | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read DECOMPRESSION_MAX_RATIO, and know the proxies, if there are any."""
        middleware = super().from_crawler(crawler)
        middleware.max_ratio = config.from_settings(crawler.settings).DECOMPRESSION_MAX_RATIO
        middleware.proxies = crawler.get_extension(Proxies)
        return middleware

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Unpack; what is raised here reaches none of the middlewares above, so proxies are told of it here."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest:
            if self.proxies:
                self.proxies.unreadable(request)
            raise

    def _handle_encoding(self, body: bytes, content_encoding: list[bytes], max_size: int) -> tuple[bytes, list[bytes]]:
        """Unpack; raises RefusedRequest for a bomb, Scrapy's own exception for a body above max_size."""
        encodings, _ = self._split_encodings(content_encoding)
        if len(encodings) > MAX_ENCODINGS:
            raise RefusedRequest(causes.BOMB, f"{len(encodings)} encodings, one within the other")
        ratio = max(FREE_BYTES, self.max_ratio * len(body)) if self.max_ratio else 0
        limit = min(filter(None, (ratio, max_size)), default=0)
        try:
            return super()._handle_encoding(body, content_encoding, limit)
        except DAMAGED as error:
            raise RefusedRequest(causes.CORRUPT, f"it cannot be unpacked: {error}") from error
        except _DecompressionMaxSizeExceeded as error:
            if limit == max_size:
                raise
            detail = f"{len(body):,} bytes became more than {limit:,}, {self.max_ratio} times as many"
            raise RefusedRequest(causes.BOMB, detail) from error
