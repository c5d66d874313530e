"""A request as aiohttp sends it: with the headers that it was given, and no more."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientRequest
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict

# Scrapy begins each word of a header's name with a capital, and so do browsers over HTTP/1.1, but for these.
SPELLINGS = {
    "Sec-Ch-Ua": "sec-ch-ua",
    "Sec-Ch-Ua-Mobile": "sec-ch-ua-mobile",
    "Sec-Ch-Ua-Platform": "sec-ch-ua-platform",
}


class SentRequest(ClientRequest):
    """aiohttp's request, spelled as browsers do and without a body that is empty.

    Scrapy's handler gives each GET a body of no bytes, for which aiohttp would add "Content-Length: 0". No browser
    sends that with a GET, and some servers refuse it.
    """

    def update_headers(self, headers: LooseHeaders | None) -> None:
        """Take the headers in their order."""
        super().update_headers(
            [(SPELLINGS.get(name, name), value) for name, value in CIMultiDict(headers or ()).items()]
        )

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        """Take the body, if there is one."""
        super().update_body_from_data(body or None, _stacklevel)
