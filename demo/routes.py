"""What the demo server answers without a file: one table, path -> function."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from demo import hostile

if TYPE_CHECKING:
    from demo.handler import DemoHandler

SITE = Path(__file__).parent / "site"


def with_origin(name: str, content_type: str) -> Callable[[DemoHandler], None]:
    """Return a route that sends a file of the site with the server's own address filled in."""

    def send(handler: DemoHandler) -> None:
        origin = f"http://{handler.headers.get('Host', 'localhost')}"
        text = (SITE / name).read_text(encoding="utf-8").replace("{origin}", origin)
        handler.send_whole(text.encode(), content_type)

    return send


def to(location: str) -> Callable[[DemoHandler], None]:
    """Return a route that redirects."""
    return lambda handler: handler.redirect(location)


def endless(path: str) -> Callable[[DemoHandler], None]:
    """Return a route that redirects to itself with a growing counter, so that no client can know the next address."""
    return lambda handler: handler.redirect(f"{path}?n={int(handler.arguments.get('n', '0')) + 1}")


def server_error(handler: DemoHandler) -> None:
    """Answer 500."""
    handler.send_whole(b"<h1>Internal server error</h1>\n", "text/html", HTTPStatus.INTERNAL_SERVER_ERROR)


def half_a_picture(handler: DemoHandler) -> None:
    """Promise a whole JPEG, send half of it and close the connection."""
    body = (SITE / "media/rocket.jpg").read_bytes()
    handler.close_connection = True
    handler.send_head(HTTPStatus.OK, {"Content-Type": "image/jpeg", "Content-Length": str(len(body))})
    handler.send_body(body[: len(body) // 2])


ROUTES: dict[str, Callable[[DemoHandler], None]] = {
    "/robots.txt": with_origin("robots.txt", "text/plain; charset=utf-8"),
    "/sitemap.xml": with_origin("sitemap.xml", "application/xml"),
    "/server-error.html": server_error,
    "/broken/server-error.jpg": server_error,
    "/broken/short.jpg": half_a_picture,
    "/go/latest-photo": to("/media/latest.jpg"),
    "/go/local-file": to("file:///etc/passwd"),
    "/go/ftp": to("ftp://127.0.0.1/photo.jpg"),
    "/go/round-image": endless("/go/round-image"),
    "/go/round.html": endless("/go/round.html"),
    # for tests only: no page of the site links to these
    "/hostile/huge": hostile.huge,
    "/hostile/drip": hostile.drip,
    "/hostile/loop": endless("/hostile/loop"),
    "/hostile/short": hostile.short,
    "/hostile/nul": hostile.nul,
    "/hostile/slow": hostile.slow,
}
