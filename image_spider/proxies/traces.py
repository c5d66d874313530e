"""What a way through a proxy leaves in a request, and what of it no queue may keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request

PROXY = "proxy"  # in meta: Scrapy's key; a name of the pool, or a URL
CHOSEN = "proxy_chosen"  # in meta: the pool chose what stands in meta["proxy"], or chose none
FROM_ENVIRONMENT = "_scheme_proxy"  # in meta: Scrapy took meta["proxy"] from http_proxy or https_proxy
AUTHORIZED = "_auth_proxy"  # in meta: the proxy for which Scrapy wrote the header
CREDENTIALS = "Proxy-Authorization"


def without_proxy(request: Request) -> Request:
    """Take off what was found on the way, credentials above all, and return the request: it will be found anew.

    A proxy that somebody wrote into meta["proxy"] stays, for without it the site would be asked directly; its
    credentials do not: the repetition is answered by 407. The pool and the environment keep theirs elsewhere.
    """
    meta = request.meta
    found = [meta.pop(key, None) for key in (CHOSEN, FROM_ENVIRONMENT)]
    if any(found):
        meta.pop(PROXY, None)
    meta.pop(AUTHORIZED, None)
    request.headers.pop(CREDENTIALS, None)
    return request
