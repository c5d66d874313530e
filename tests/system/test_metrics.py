"""`scrapy metrics` as Prometheus meets it, and the file that says that a crawl is alive."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import psutil

from demo.server import DemoServer
from tests.project import ROOT, Project
from tests.redis_servers import RedisServer
from tests.servers import running
from tests.waiting import wait_until


def test_figures_are_served_through_an_outage_of_redis(project: Project, tmp_path: Path):
    redis = RedisServer(tmp_path / "redis")
    with running(redis):
        process = project.start("metrics", "--port", "0", REDIS_URL=redis.url)
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().removeprefix("figures: ").strip()
        try:
            redis.ask("RPUSH", "images:start_urls", "http://127.0.0.1/")
            wait_until(lambda: "\nimage_spider_start_urls 1.0\n" in read(url))
            redis.kill()
            wait_until(lambda: "\nimage_spider_redis_up 0.0\n" in read(url))
            redis.start()
            wait_until(lambda: "\nimage_spider_redis_up 1.0\n" in read(url))
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "no figures: " in errors
    assert errors.endswith("figures again\n")


def test_a_crawl_whose_event_loop_stands_still_is_not_alive(project: Project, site: DemoServer, tmp_path: Path):
    file = tmp_path / "alive.txt"

    def says_alive() -> bool:
        command = [ROOT / "deploy/docker/alive"]
        return subprocess.run(command, env=os.environ | {"ALIVE_FILE": str(file)}, capture_output=True).returncode == 0

    assert not says_alive()
    crawl = project.start_crawl(site.url, "-s", f"ALIVE_FILE={file}", "-s", "HOST_DELAY_SECONDS=2")
    try:
        wait_until(says_alive, what="the file")
        os.utime(file, (0, 0))
        wait_until(says_alive, what="the file, touched again")  # within five seconds, by the event loop
        crawl.send_signal(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(crawl.pid).status() == psutil.STATUS_STOPPED)
        os.utime(file, (0, 0))
        assert not says_alive()
    finally:
        crawl.kill()
        crawl.communicate()


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()
