"""The egg that scrapyd-deploy uploads works by itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.project import ROOT, Project

PACKAGES = ("image_spider", "pipelines", "middlewares")


@pytest.fixture(scope="module")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("egg")
    source = folder / "source"  # a copy: others may build from the checkout at the same time
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "README.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "setup.py", "-q", "bdist_egg", "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (egg,) = folder.glob("*.egg")
    return egg


def test_the_egg_holds_every_file_that_the_code_reads(egg: Path):
    with zipfile.ZipFile(egg) as archive:
        inside = set(archive.namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted <= inside
    assert {name.partition("/")[0] for name in inside} == {*PACKAGES, "EGG-INFO"}


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
