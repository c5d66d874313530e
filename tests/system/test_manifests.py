"""The Dockerfile's own commands in a clean directory, and what its images do there."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.server import DemoServer
from deploy.deployment.egg import build_egg
from tests.dockerfile import NEW_MOUNTS, Build, Image
from tests.project import LOOPBACK, ROOT
from tests.servers import free_port
from tests.waiting import wait_until

CRAWLER = 10001  # the user of the images
READ_PATRONI = "import sys; from patroni.config import Config; assert Config(sys.argv[1]).local_configuration"
LOGIN = ("scrapyd", "secret")
OF_THE_DEMO = {"ALLOW_ADDRESSES": LOOPBACK, "HOST_DELAY_SECONDS": "0", "CONTACT_URL": "http://127.0.0.1/"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is emptied at the end: pytest keeps those of the last runs, and images are large."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_the_dockerfile_makes_a_worker_that_crawls_and_a_node_that_answers(folder: Path):
    """One test, for what both have in common takes half a minute to build."""
    can_mount = subprocess.run([*NEW_MOUNTS, "true"], capture_output=True).returncode == 0
    assert can_mount, "this needs mount namespaces: run it as root, or where `unshare --map-auto` works (uidmap)"
    # Without what an analysis by a model needs, which is large.
    build = Build(ROOT / "deploy/docker/Dockerfile", context=ROOT, folder=folder, arguments={"EXTRAS": "metrics"})
    worker = build.image("worker")
    crawls_and_says_that_it_is_alive(worker)
    owns_nothing_but_its_data(worker)
    the_project_is_not_installed(worker)
    (folder / "egg").mkdir()
    takes_an_egg_of_whoever_has_the_password(build.image("node"), build_egg(ROOT, folder / "egg"))


def test_the_dockerfile_of_postgresql_makes_a_patroni_that_reads_its_files(folder: Path):
    build = Build(ROOT / "deploy/docker/patroni.Dockerfile", context=ROOT, folder=folder, users={"postgres": 999})
    image = build.image("final")
    for file in ("patroni.yml", "voter.yml"):
        read = image.run("/opt/patroni/bin/python3", "-c", READ_PATRONI, f"/etc/patroni/{file}")
        assert read.returncode == 0, read.stderr
    for program in (image.command[0], "patroni_raft_controller"):
        said = image.run(program, "--version")
        assert (said.returncode, said.stdout.split()[0]) == (0, program), said.stderr
    assert image.run("test", "-x", "/etc/patroni/create_catalog.sh").returncode == 0
    written = image.run("find", "/etc/patroni", "/opt", "/var/lib/patroni", "-writable", "-not", "-type", "l")
    assert written.stdout.split() == ["/var/lib/patroni"]


def crawls_and_says_that_it_is_alive(image: Image) -> None:
    assert image.run(*image.health).returncode != 0
    with DemoServer(port=0) as site:
        done = image.run(*image.command, "-a", f"url={site.url}/gallery/", "-a", "max_images=3", **OF_THE_DEMO)
    assert done.returncode == 0, done.stderr
    assert image.run(*image.health).returncode == 0
    stored = [path for path in (image.root / "data/images").rglob("*.*") if path.is_file()]
    assert len(stored) >= 3
    assert {path.stat().st_uid for path in stored} == {CRAWLER}


def owns_nothing_but_its_data(image: Image) -> None:
    written = image.run("find", "/app", "/opt", "/etc", "-writable", "-not", "-type", "l")
    assert written.stdout.split() == ["/app/output"]


def the_project_is_not_installed(image: Image) -> None:
    installed = {path.name.partition("-")[0] for path in (image.root / "opt/venv").rglob("*.dist-info")}
    assert "scrapy" in installed
    assert "image_spider" not in installed


def takes_an_egg_of_whoever_has_the_password(image: Image, egg: Path) -> None:
    port = str(free_port())
    settings = {
        "SCRAPYD_USERNAME": LOGIN[0],
        "SCRAPYD_PASSWORD": LOGIN[1],
        "SCRAPYD_HTTP_PORT": port,
        "SCRAPYD_BIND_ADDRESS": "127.0.0.1",  # outside of containers, the whole network could ask
        **OF_THE_DEMO,
    }
    log = image.root.with_suffix(".log")
    with log.open("wb") as output:
        node = image.start(output=output, **settings)
    try:
        wait_until(lambda: node.poll() is not None or image.run(*image.health, **settings).returncode == 0)
        assert node.poll() is None, log.read_text(encoding="utf-8")
        wrong = image.run(*image.health, **settings | {"SCRAPYD_PASSWORD": "wrong"})
        assert (wrong.returncode, "401" in wrong.stderr) == (1, True)
        the_egg_crawls(f"http://127.0.0.1:{port}", egg)
    finally:
        node.terminate()
        node.wait(timeout=60)
    assert node.returncode in {0, -signal.SIGTERM}  # Twisted ends by the signal that it was told to end by


def the_egg_crawls(url: str, egg: Path) -> None:
    def jobs() -> dict[str, Any]:
        return requests.get(f"{url}/jobs.json", auth=LOGIN, timeout=60).json()

    def post(service: str, files: dict[str, bytes] | None = None, **fields: str) -> None:
        answer = requests.post(f"{url}/{service}.json", data=fields, files=files, auth=LOGIN, timeout=60)
        assert answer.ok, answer.text

    post("addversion", files={"egg": egg.read_bytes()}, project="image_spider", version="1")
    with DemoServer(port=0) as site:
        post("schedule", project="image_spider", spider="images", url=f"{site.url}/gallery/", max_images="3")
        [job] = wait_until(lambda: jobs()["finished"])
    assert job["exit_status"] == 0
