"""What Patroni's REST API tells of the leader."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.patroni import leader_of, lock_holder
from tests.servers import free_port

OURS = (Address("127.0.0.1", 5432), Address("127.0.0.1", 5433))
CLUSTER = {
    "members": [
        {"name": "a", "role": "sync_standby", "state": "streaming", "host": "127.0.0.1", "port": 5432, "lag": 0},
        {"name": "b", "role": "leader", "state": "running", "host": "127.0.0.1", "port": 5433, "timeline": 2},
    ]
}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/cluster" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_leader_is_one_of_our_addresses():
    with answering(200, json.dumps(CLUSTER).encode()) as url:
        assert lock_holder(url, OURS) == OURS[1]
        assert lock_holder(url + "/", OURS) == OURS[1]


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b"{}"), (200, b""), (200, b"[]"), (200, b"{}"), (200, b'{"members": [{"role": "leader"}]}'), (200, b"\xff")],
)
def test_an_answer_that_is_not_patronis_is_an_error(status: int, body: bytes):
    with answering(status, body) as url, pytest.raises((OSError, ValueError)):
        lock_holder(url, OURS)


def test_a_patroni_that_is_away_is_an_error():
    with pytest.raises(OSError, match="refused"):
        lock_holder(f"http://127.0.0.1:{free_port()}", OURS)


def test_a_cluster_without_a_leader_has_none():
    assert leader_of(CLUSTER["members"][:1], OURS) is None


def test_a_leader_that_our_url_does_not_name_tells_nothing():
    assert leader_of([{"role": "leader", "host": "127.0.0.1", "port": 9}], OURS) is None


def test_a_name_and_its_address_are_the_same_host():
    assert leader_of(CLUSTER["members"], [Address("localhost", 5433)]) == Address("localhost", 5433)
