"""The egg that scrapyd-deploy uploads works by itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.project import ROOT, Project


@pytest.fixture(scope="module")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("egg")
    options = ["egg_info", "-e", folder, "bdist_egg", "-b", folder / "build", "-d", folder]
    command = [sys.executable, "setup.py", "-q", *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (egg,) = folder.glob("*.egg")
    return egg


def test_the_egg_holds_every_file_that_the_code_reads(egg: Path):
    with zipfile.ZipFile(egg) as archive:
        inside = set(archive.namelist())
    packages = ("image_spider", "pipelines", "middlewares")
    wanted = {
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted <= inside
    assert {name.partition("/")[0] for name in inside} == {*packages, "EGG-INFO"}


def test_scrapy_list_run_from_the_egg_alone_prints_images(egg: Path, tmp_path: Path):
    done = Project(tmp_path, path=str(egg)).run("list")
    assert (done.returncode, done.stdout) == (0, "images\n")


def test_a_crawl_and_a_report_run_from_the_zipped_egg(egg: Path, tmp_path: Path):
    project = Project(tmp_path, path=str(egg))
    with DemoServer(port=0) as site:
        done = project.crawl(site.url, "-a", "max_images=5")
    assert done.returncode == 0, done.stderr
    assert project.rows("select images from crawls") == [(5,)]
    assert project.run("report").returncode == 0
    assert (project.data / "report.html").stat().st_size > 5000
