"""What all services of a node have in common: the right HTTP status, and answers that may come later."""

from __future__ import annotations

from typing import Any

from scrapyd.webservice import WsResource
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from image_spider_node.answers import answer_of
from image_spider_node.errors import Refused

INTERNAL_ERROR = 500
OTHER_SITES = ("cross-site", "same-site")  # Fetch Metadata, W3C; all browsers send it since 2023, and no tool does
log = Logger()


class Service(WsResource):
    """Scrapyd's WsResource, whose `render_*` may also return a Deferred, or bytes that are sent as they are.

    An error is answered with its HTTP status (scrapyd says 200 to nearly all), so that curl -f, scrapyd-deploy and
    proxies see it. Mixed in before one of Scrapyd's classes, it does the same for it. No header invites pages of other
    sites to read the answers, as Scrapyd's do.
    """

    def render(self, txrequest: Request) -> int:
        if not hasattr(self, f"render_{txrequest.method.decode('latin-1')}"):
            Resource.render(self, txrequest)  # raises UnsupportedMethod, which Twisted answers with 405
        gone: list[bool] = []
        txrequest.notifyFinish().addErrback(_note, gone)
        answer: Deferred[Any] = maybeDeferred(self._render, txrequest)
        answer.addCallback(self._content, txrequest).addErrback(self._refusal, txrequest)
        answer.addCallback(_send, txrequest, gone)
        return int(NOT_DONE_YET)

    def _render(self, txrequest: Request) -> Any:
        """Call the service's method, but for no other site's page: a browser sends the password along that it has."""
        if txrequest.method == b"POST" and txrequest.getHeader("sec-fetch-site") in OTHER_SITES:
            raise Refused(403, "a page of another site has sent this request")
        return Resource.render(self, txrequest)

    def _content(self, answer: dict[str, Any] | bytes | None, txrequest: Request) -> bytes:
        if isinstance(answer, dict):
            return self._json(txrequest, answer | {"status": "ok"})
        return answer or b""

    def _refusal(self, failure: Failure, txrequest: Request) -> bytes:
        assert failure.value
        status, words = answer_of(failure.value)
        if status == INTERNAL_ERROR:
            log.failure("{uri} failed", failure, uri=txrequest.uri)
        txrequest.setResponseCode(status)
        return self._json(txrequest, {"status": "error", "message": words})

    def _json(self, txrequest: Request, answer: dict[str, Any]) -> bytes:
        txrequest.setHeader("Content-Type", "application/json")
        content: str = self.json_encoder.encode(answer | {"node_name": self.root.node_name})
        return content.encode() + b"\n"


def _note(failure: Failure, gone: list[bool]) -> None:
    failure.trap(ConnectionDone, Exception)
    gone.append(True)


def _send(content: bytes, txrequest: Request, gone: list[bool]) -> None:
    if not gone:  # who asked has hung up otherwise
        txrequest.setHeader("Content-Length", str(len(content)))
        txrequest.write(content)
        txrequest.finish()
