"""Why a candidate or a page was not taken: the closed list of causes that `failures.cause` may hold."""

from __future__ import annotations

STATUS = "status"  # the server answered, but not with 200
TIMEOUT = "timeout"
DNS = "dns"
CONNECTION = "connection"
DATA_LOSS = "data_loss"  # the body ended before its Content-Length or its last chunk
TOO_LARGE = "too_large"
REDIRECTS = "redirects"
ROBOTS = "robots"
BAD_URL = "bad_url"  # a URL or scheme that is not fetched
NOT_HTML = "not_html"  # a start URL that is neither a page nor an image
UNREADABLE = "unreadable"  # a page whose parsing failed
EMPTY = "empty"
NOT_AN_IMAGE = "not_an_image"
UNSUPPORTED = "unsupported"
TRUNCATED = "truncated"
CORRUPT = "corrupt"
BOMB = "bomb"
TOPIC = "topic"  # no word of it matches the crawl's categories

ALL = frozenset(
    {
        STATUS, TIMEOUT, DNS, CONNECTION, DATA_LOSS, TOO_LARGE, REDIRECTS, ROBOTS, BAD_URL, NOT_HTML, UNREADABLE,
        EMPTY, NOT_AN_IMAGE, UNSUPPORTED, TRUNCATED, CORRUPT, BOMB, TOPIC,
    }
)  # fmt: skip
