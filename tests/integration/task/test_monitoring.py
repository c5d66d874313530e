"""Reports over real HTTP."""

from __future__ import annotations

import logging
import time

import pytest

from image_spider.exceptions import ReportFailed
from image_spider.task import completion, heartbeat
from image_spider.task.api import COMPLETION, HEARTBEAT, MonitoringApi
from image_spider.task.completion import deliver
from image_spider.task.heartbeat import Heartbeat
from tests.monitoring_api import MonitoringServer
from tests.servers import free_port
from tests.waiting import wait_until

REFUSALS = 2


class ThreadlessApi(MonitoringApi):
    """Has no thread for its alarm at the second and third call: the container may have no more processes."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.calls = 0

    def post(self, path: str, body: dict[str, object], *, seconds: float) -> None:
        self.calls += 1
        if 1 < self.calls <= 1 + REFUSALS:
            raise RuntimeError("can't start new thread")
        super().post(path, body, seconds=seconds)


BODY: dict[str, object] = {"execution_id": "e1", "text": "grüße \ud800"}


def test_a_report_arrives_with_the_token_and_the_path_of_the_base_url():
    with MonitoringServer() as server:
        MonitoringApi(server.url, token="secret").post(HEARTBEAT, BODY, seconds=30)
        assert server.heartbeats == [{"execution_id": "e1", "text": "grüße ?"}]
        assert server.headers[0]["Authorization"] == "Bearer secret"


def test_credentials_of_the_url_are_sent_and_never_shown():
    with MonitoringServer() as server:
        server.answers["heartbeat"] = [401]
        api = MonitoringApi(server.url.replace("//", "//me:p%40ss@"))
        with pytest.raises(ReportFailed) as refused:
            api.post(HEARTBEAT, BODY, seconds=30)
        assert server.headers[0]["Authorization"] == "Basic bWU6cEBzcw=="
        assert str(refused.value) == f'{server.url}{HEARTBEAT} refuses: HTTP 401 {{"message": "not now"}}'
        assert not refused.value.busy


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_may_take_it_another_time_is_told_apart(status: int):
    with MonitoringServer() as server:
        server.answers["completion"] = [status]
        with pytest.raises(ReportFailed) as refused:
            MonitoringApi(server.url).post(COMPLETION, BODY, seconds=30)
        assert refused.value.busy


@pytest.mark.parametrize("trickles", [False, True], ids=["silent", "trickling"])
def test_an_api_that_does_not_answer_in_time_has_failed(trickles: bool):
    with MonitoringServer() as server:
        server.gate.clear()
        server.trickles = trickles
        with pytest.raises(ReportFailed, match="does not answer") as refused:
            MonitoringApi(server.url).post(HEARTBEAT, BODY, seconds=0.3)
        assert refused.value.busy


def test_heartbeats_come_again_after_an_outage_which_is_logged_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with MonitoringServer() as server:
        server.answers["heartbeat"] = [500, 500, 500]
        beats = Heartbeat(api=MonitoringApi(server.url), report=lambda: dict(BODY), seconds=0.02)
        beats.start()
        wait_until(lambda: len(server.heartbeats) >= 2)
        beats.stop(seconds=60)
        assert beats.failed == 3
        told = [record.getMessage() for record in caplog.records]
        assert len(told) == 2
        assert "did not arrive, the crawl goes on" in told[0]
        assert told[1] == "The platform takes heartbeats again"
        heard = len(server.heartbeats)
        assert beats.sent == heard  # none comes after stop()


def test_heartbeats_and_a_completion_survive_a_container_without_threads_to_spare(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(completion, "FIRST_WAIT_SECONDS", 0.01)
    with MonitoringServer() as server:
        api = ThreadlessApi(server.url)
        beats = Heartbeat(api=api, report=lambda: dict(BODY), seconds=0.02)
        beats.start()
        wait_until(lambda: len(server.heartbeats) >= 2)
        beats.stop(seconds=60)
        assert beats.failed == REFUSALS
        assert caplog.text.count("did not arrive, the crawl goes on: RuntimeError: can't start new thread") == 1
        api.calls = 1
        assert deliver(api, dict(BODY), seconds=60)
        assert (api.calls, len(server.completions)) == (2 + REFUSALS, 1)


def test_heartbeats_that_never_began_can_be_stopped():
    Heartbeat(api=MonitoringApi("http://127.0.0.1:9"), report=lambda: dict(BODY), seconds=30).stop(seconds=60)


def test_heartbeats_come_while_the_main_thread_is_busy():
    with MonitoringServer() as server:
        beats = Heartbeat(api=MonitoringApi(server.url), report=lambda: dict(BODY), seconds=0.02)
        beats.start()
        deadline = time.monotonic() + 60
        while len(server.heartbeats) < 5 and time.monotonic() < deadline:
            sum(range(10_000))  # busy, and never waiting for anything
        beats.stop(seconds=60)
        assert len(server.heartbeats) >= 5


def test_an_api_that_hangs_does_not_hold_up_the_end_of_the_heartbeats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heartbeat, "POST_SECONDS", 600.0)
    with MonitoringServer() as server:
        server.gate.clear()
        beats = Heartbeat(api=MonitoringApi(server.url), report=lambda: dict(BODY), seconds=30)
        beats.start()
        wait_until(lambda: server.heartbeats)
        begun = time.monotonic()
        beats.stop(seconds=0.1)
        assert time.monotonic() - begun < 60


def test_a_completion_is_sent_until_it_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(completion, "FIRST_WAIT_SECONDS", 0.01)
    with MonitoringServer() as server:
        server.answers["completion"] = [500, 503]
        assert deliver(MonitoringApi(server.url), dict(BODY), seconds=60)
        assert len(server.completions) == 1


def test_a_completion_that_is_refused_is_not_sent_again():
    with MonitoringServer() as server:
        server.answers["completion"] = [422]
        assert not deliver(MonitoringApi(server.url), dict(BODY), seconds=60)
        assert len(server.headers) == 1


def test_a_completion_that_is_hurried_is_given_up_soon(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(completion, "HURRIED_SECONDS", 0.3)
    api = MonitoringApi(f"http://127.0.0.1:{free_port()}")
    begun = time.monotonic()
    assert not deliver(api, dict(BODY), seconds=600, hurried=lambda: time.monotonic() > begun + 0.2)
    assert time.monotonic() - begun < 60


def test_a_completion_is_given_up_in_time_when_nobody_listens():
    begun = time.monotonic()
    assert not deliver(MonitoringApi(f"http://127.0.0.1:{free_port()}"), dict(BODY), seconds=0.5)
    assert time.monotonic() - begun < 30
