"""The egg that scrapyd-deploy uploads works by itself."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from demo.server import DemoServer
from image_spider import __version__
from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog
from image_spider.origin import PACKAGES
from tests.project import FAST, ROOT, Project
from tests.redis_servers import RedisServer
from tests.servers import running
from tests.waiting import DEADLINE_SECONDS, wait_until


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


class ScrapydFolder(Project):
    """The project as Scrapyd runs it: its runner, in its working directory, with the egg in its storage."""

    program = "scrapyd.runner"

    def __init__(self, folder: Path, egg: Path) -> None:
        super().__init__(folder, path="")
        self.egg = folder / "eggs/image_spider/1.egg"
        self.egg.parent.mkdir(parents=True)
        shutil.copy(egg, self.egg)
        self.environment = {name: value for name, value in self.environment.items() if name != "SCRAPY_SETTINGS_MODULE"}
        self.environment["SCRAPY_PROJECT"] = "image_spider"


@pytest.fixture
def node(tmp_path: Path, egg: Path) -> ScrapydFolder:
    return ScrapydFolder(tmp_path, egg)


def test_a_worker_of_the_egg_crawls_with_redis_postgresql_and_a_store_and_says_what_it_is(
    node: ScrapydFolder, site: DemoServer, postgres_url: str
):
    server = RedisServer(node.folder / "redis")
    where = {"DATABASE_URL": postgres_url, "IMAGES_STORE": str(node.folder / "store"), "REDIS_URL": server.url}
    upgraded = node.run("catalog", "upgrade", **where)  # the migrations are read out of the egg
    assert upgraded.returncode == 0, upgraded.stderr
    with running(server):
        worker = node.start("crawl", "images", *FAST, "-s", f"LOG_FILE={node.folder / 'log'}", **where)
        try:
            server.ask("LPUSH", "images:start_urls", json.dumps({"url": f"{site.url}/", "max_images": 5}))
            with Catalog(postgres_url) as catalog:
                wait_until(lambda: _ended(catalog), seconds=2 * DEADLINE_SECONDS, what="the end of the crawl")
                with catalog.reading() as connection:
                    stored = {row.path: row.sha256 for row in connection.execute(select(schema.images))}
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=DEADLINE_SECONDS)
    assert len(stored) == 5
    files = {path: node.folder / "store" / path for path in stored}
    assert {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in files.items()} == stored
    log = (node.folder / "log").read_text(encoding="utf-8")
    sha256 = hashlib.sha256(node.egg.read_bytes()).hexdigest()
    assert f"image_spider {__version__} from the egg {node.egg}, SHA-256 {sha256}" in log
    assert "Settings: image_spider.settings (" in log
    assert "eggs/image_spider/1.egg/image_spider/settings.py); " in log
    assert "DATABASE_URL, IMAGES_STORE, REDIS_URL by the environment" in log


@pytest.mark.parametrize("package", PACKAGES)
def test_an_egg_that_a_package_in_scrapyds_folder_would_shadow_is_refused(node: ScrapydFolder, package: str):
    shutil.copytree(ROOT / package, node.folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = node.run("list")  # what a node runs before it takes a version, stock Scrapyd too
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the egg {node.egg} is shadowed: the package {package} comes from {node.folder}," in done.stderr


def test_an_egg_that_a_pip_installed_copy_would_shadow_is_refused_before_it_crawls(node: ScrapydFolder, tmp_path: Path):
    installed = tmp_path / "site-packages"
    shutil.copytree(ROOT / "image_spider", installed / "image_spider", ignore=shutil.ignore_patterns("__pycache__"))
    done = node.run("crawl", "images", "-a", "url=http://127.0.0.1:9/", PYTHONPATH=str(installed))
    assert done.returncode == 1
    assert f"image_spider: the egg {node.egg} is shadowed" in done.stderr
    assert not node.data.exists()


def _ended(catalog: Catalog) -> bool:
    with catalog.reading() as connection:
        return connection.scalar(select(schema.crawls.c.finished_at)) is not None
