"""What a look makes of answers that are nonsense or late."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from image_spider.catalog.pool.address import parse_url
from image_spider.catalog.pool.survey import Survey
from image_spider.catalog.pool.view import View, next_view
from tests.postgres import PostgresPair, PostgresServer
from tests.waiting import wait_until


class Replies(ThreadingTCPServer):
    """Answers every connection with the bytes that it is given, whatever it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.reply = b""
        super().__init__(("127.0.0.1", 0), Replier)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Replier(StreamRequestHandler):
    """One connection."""

    server: Replies

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(self.server.reply)


@pytest.fixture
def replies() -> Iterator[Replies]:
    with Replies() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_patroni_that_answers_nonsense_is_told_and_asked_again(postgres: PostgresServer, replies: Replies):
    survey = Survey(parse_url(postgres.url), patroni_urls=[replies.url])
    for nonsense in (b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", b""):
        replies.reply = nonsense
        choice, _ = survey.look(View())
        assert choice.primary, "without Patroni's word the timeline decides"
        assert f"no Patroni answers: {replies.url} (" in choice.alarm
    members = [{"role": "leader", "host": "127.0.0.1", "port": postgres.port}]
    replies.reply = b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"members": members}).encode()
    choice, _ = survey.look(View())
    assert choice.primary
    assert choice.alarm == ""


def test_an_answer_that_came_after_the_end_of_a_look_is_not_believed_in_the_next_one(pair: PostgresPair):
    def asking() -> bool:
        return any(thread.name == f"probe 127.0.0.1:{pair.standby.port}" for thread in threading.enumerate())

    survey = Survey(parse_url(pair.url))
    choice, nodes = survey.look(View())
    assert [node.state for node in nodes] == ["running", "running"]
    view = next_view(View(), choice, nodes, lag_seconds=5)
    pair.standby.freeze()
    _, nodes = survey.look(view)  # the primary is well, and who is silent is not waited for
    assert [node.last_error for node in nodes] == ["", "does not answer"]
    assert asking()
    wait_until(lambda: not asking())
    pair.standby.thaw()
    _, nodes = survey.look(view)
    assert [node.state for node in nodes] == ["running", "running"]
