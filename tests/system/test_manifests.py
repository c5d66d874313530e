"""The Dockerfile's own commands in a clean directory, and what its images do there."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from demo.server import DemoServer
from tests.dockerfile import Build
from tests.project import LOOPBACK, ROOT
from tests.servers import free_port
from tests.waiting import wait_until

CRAWLER = 10001  # the user of the images
CAN_MOUNT = subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0 or os.geteuid() != 0


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    assert CAN_MOUNT, "this needs mount namespaces: run it as root, or where `unshare --map-auto` works (uidmap)"
    folder = tmp_path_factory.mktemp("images")
    # Without what an analysis by a model needs, which is large.
    return Build(ROOT / "deploy/docker/Dockerfile", context=ROOT, folder=folder, arguments={"EXTRAS": "metrics"})


def test_a_worker_of_the_image_crawls_says_that_it_is_alive_and_owns_nothing_but_its_data(build: Build):
    image = build.image("worker")
    settings = {"ALLOW_ADDRESSES": LOOPBACK, "HOST_DELAY_SECONDS": "0", "CONTACT_URL": "http://127.0.0.1/"}
    assert image.run(*image.health).returncode != 0
    with DemoServer(port=0) as site:
        done = image.run(*image.command, "-a", f"url={site.url}/gallery/", "-a", "max_images=3", **settings)
    assert done.returncode == 0, done.stderr
    assert image.run(*image.health).returncode == 0
    stored = [path for path in (image.root / "data/images").rglob("*.*") if path.is_file()]
    assert len(stored) >= 3
    assert {path.stat().st_uid for path in stored} == {CRAWLER}
    written = image.run("sh", "-c", "find /app /opt /etc /usr/local/bin -writable -not -type l")
    assert written.stdout.split() == ["/app/output"]


def test_the_project_is_not_installed_in_an_image(build: Build):
    installed = {path.name.partition("-")[0] for path in (build.image("worker").root / "opt/venv").rglob("*.dist-info")}
    assert "scrapy" in installed
    assert "image_spider" not in installed


def test_a_node_of_the_image_answers_whoever_has_the_password(build: Build):
    image = build.image("node")
    port = str(free_port())
    more = {"SCRAPYD_USERNAME": "scrapyd", "SCRAPYD_PASSWORD": "secret", "SCRAPYD_PORT": port}
    (image.root / "etc/scrapyd/conf.d/test.conf").write_text(
        (ROOT / "deploy/docker/node.conf").read_text(encoding="utf-8") + f"http_port = {port}\n", encoding="utf-8"
    )
    node = image.start(**more)
    try:
        wait_until(lambda: node.poll() is not None or image.run(*image.health, **more).returncode == 0, what="a node")
        assert node.poll() is None, node.communicate()
        wrong = image.run(*image.health, **more | {"SCRAPYD_PASSWORD": "wrong"})
        assert (wrong.returncode, "401" in wrong.stderr) == (1, True)
    finally:
        node.send_signal(signal.SIGTERM)
        node.communicate(timeout=60)
