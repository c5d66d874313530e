"""What an answer says of its proxy: has the host banned it?"""

from __future__ import annotations

import re
from dataclasses import dataclass

READ_BYTES = 16_384  # of a body: challenges say so at their top, and a pattern must not search megabytes
PROXY_AUTHENTICATION = 407
GATEWAY = frozenset({502, 503, 504})  # a server that is ill, or a proxy's own word for it
ASTRAY = frozenset({502, 504})  # those of them that a host which has too much to do does not send


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is looked at of a response; `body` is None while it is compressed."""

    status: int
    location: str = ""
    content_type: str = ""
    body: bytes | None = None
    for_image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """What counts as a ban; a pattern that is None finds nothing."""

    statuses: frozenset[int]
    redirect: re.Pattern[str] | None
    body: re.Pattern[str] | None
    image_types: frozenset[str]

    def ban(self, answer: Answer) -> str:
        """Return why an answer is a ban, in words for a user; empty when it is none."""
        if answer.status in self.statuses:
            return f"HTTP {answer.status}"
        if 300 <= answer.status < 400:
            found = self.redirect.search(answer.location) if self.redirect and answer.location else None
            return f"a redirect to {found[0]!r}" if found else ""
        media_type = answer.content_type.partition(";")[0].strip().lower()
        if answer.for_image and answer.status == 200 and media_type in self.image_types:
            return f"{media_type} in place of an image"
        return self._challenge(answer, media_type)

    def tells_of_host(self, status: int, *, tunnel: bool) -> bool:
        """Tell whether an answer through a proxy tells how the host is.

        A ban tells how the host likes the proxy; and outside a tunnel the proxy itself may have answered.
        """
        return status not in self.statuses and (tunnel or status not in GATEWAY | {PROXY_AUTHENTICATION})

    def needs_body(self, answer: Answer) -> bool:
        """Tell whether the decision has to wait until the body is decompressed."""
        return self.body is not None and answer.body is None and not 300 <= answer.status < 400

    def _challenge(self, answer: Answer, media_type: str) -> str:
        if self.body is None or not answer.body or not _is_text(media_type):
            return ""
        found = self.body.search(answer.body[:READ_BYTES].decode("utf-8", "replace"))
        return f"a page that says {found[0][:60]!r}" if found else ""


def _is_text(media_type: str) -> bool:
    return not media_type or media_type.startswith("text/") or media_type.endswith(("/xml", "+xml", "/json"))
