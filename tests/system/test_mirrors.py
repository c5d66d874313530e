"""Mirrors beside a crawl and after it, by real processes."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import queue_copies
from image_spider.stores.local import LocalStore
from tests.images import a_png
from tests.project import Project
from tests.sites import Site
from tests.small_disk import SmallDisk
from tests.stored_images import files_of, store_images
from tests.waiting import wait_until

PICTURES = 12
AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")  # for root, nothing is forbidden
LEAVING_THE_QUEUE_IS_SLOW = """
    create trigger slow before delete on copies begin
        with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 80000000)
        select count(*) from numbers;
    end
"""


@pytest.fixture
def mirror(project: Project) -> LocalStore:
    (project.folder / "mirror").mkdir()
    return LocalStore(project.folder / "mirror")


@pytest.fixture
def stored(project: Project) -> dict[str, bytes]:
    """Images of an earlier crawl, without mirrors."""
    store = LocalStore(project.data / "images")
    store.open()
    with Catalog(f"sqlite:///{project.data}/catalog.sqlite3") as catalog:
        catalog.open()
        return store_images(catalog, store, PICTURES)


def queue(project: Project, stored: dict[str, bytes], *, mirror: Path) -> None:
    sha256s = [Path(path).stem for path in stored]
    with Catalog(f"sqlite:///{project.data}/catalog.sqlite3") as catalog:
        catalog.transaction(partial(queue_copies, sha256s=sha256s, mirrors=[str(mirror)], now=datetime.now(UTC)))


def test_a_crawl_copies_to_the_mirror_that_is_there_and_what_the_other_lacks_is_copied_later(
    project: Project, mirror: LocalStore
):
    away = project.folder / "away"
    images = {f"/{number}.png": a_png(number) for number in range(PICTURES)}
    environment = {"IMAGES_MIRRORS": f"{mirror.root} {away}"}
    with Site({"/": "".join(f'<img src="{path}">' for path in images)} | images) as site:
        crawled = project.crawl(site.url, **environment)
    assert crawled.returncode == 0, crawled.stderr
    whole = files_of(LocalStore(project.data / "images"))
    assert len(whole) == PICTURES
    assert files_of(mirror) == whole
    assert f"'mirrors/copied': {PICTURES}" in crawled.stderr
    assert crawled.stderr.count("is its disk mounted") == 1, "told once, however often it is tried"
    assert f"in {PICTURES} files: the next crawl goes on, or `scrapy mirrors --copy`" in crawled.stderr

    left = project.run("mirrors", "--json", "--copy", **environment)
    states = {state["mirror"]: (state["files"], bool(state["error"])) for state in json.loads(left.stdout)}
    assert (left.returncode, states) == (1, {str(mirror.root): (0, False), str(away): (PICTURES, True)})
    assert "is its disk mounted" in left.stderr
    away.mkdir()
    copied = project.run("mirrors", "--copy", **environment)
    assert (copied.returncode, copied.stdout.count("nothing")) == (0, 2), copied.stderr
    assert files_of(LocalStore(away)) == whole


def test_killed_before_it_has_told_the_catalog_what_it_copied_it_copies_it_again(
    project: Project, stored: dict[str, bytes], mirror: LocalStore
):
    environment = {"IMAGES_MIRRORS": str(mirror.root)}
    queue(project, stored, mirror=mirror.root)
    project.rows(LEAVING_THE_QUEUE_IS_SLOW)
    process = project.start("mirrors", "--copy", **environment)
    wait_until(lambda: mirror.root.joinpath(".partial").exists() and files_of(mirror) == stored)
    process.kill()
    process.communicate()
    assert project.rows("select count(*) from copies") == [(PICTURES,)]
    project.rows("drop trigger slow")
    claimed = project.run("mirrors", "--copy", **environment)
    assert (claimed.returncode, "somebody who was killed" in claimed.stderr) == (1, True)
    project.rows("update copies set due_at = '2026-01-01 00:00:00'")  # five minutes later
    again = project.run("mirrors", "--copy", **environment)
    assert again.returncode == 0, again.stderr
    assert files_of(mirror) == stored


def test_a_mirror_that_is_full_says_so_and_gets_the_rest_when_there_is_room(project: Project, stored: dict[str, bytes]):
    disk = SmallDisk(project.folder / "disk", megabytes=1)
    disk.start()
    try:
        folder = disk.folder / "mirror"
        disk.seen(folder).mkdir()
        queue(project, stored, mirror=folder)
        disk.fill()
        there = (*disk.enter, "env", "-C", str(project.folder))
        full = project.run("mirrors", "--json", "--copy", prefix=there, IMAGES_MIRRORS=str(folder))
        assert (full.returncode, "No space left on device" in json.loads(full.stdout)[0]["error"]) == (1, True)
        assert "No space left on device" in full.stderr
        disk.free()
        copied = project.run("mirrors", "--copy", prefix=there, IMAGES_MIRRORS=str(folder))
        assert copied.returncode == 0, copied.stderr
        assert files_of(LocalStore(disk.seen(folder))) == stored
    finally:
        disk.stop()


def test_a_mirror_that_may_not_be_written_says_so_and_its_queue_can_be_deleted(
    project: Project, stored: dict[str, bytes], mirror: LocalStore
):
    mirror.root.chmod(0o555)
    queue(project, stored, mirror=mirror.root)
    environment = {"IMAGES_MIRRORS": str(mirror.root)}
    denied = project.run("mirrors", "--json", "--copy", prefix=AS_USER, **environment)
    assert (denied.returncode, "Permission denied" in json.loads(denied.stdout)[0]["error"]) == (1, True)
    assert "Permission denied" in denied.stderr
    forgotten = project.run("mirrors", "--forget", mirror.root)
    assert (forgotten.returncode, forgotten.stderr) == (0, f"{PICTURES} copies forgotten\n")


def test_an_interrupted_crawl_ends_in_order_and_leaves_the_copies_to_the_next(project: Project, mirror: LocalStore):
    pages = {f"/{number}": '<a href="/page">more</a>' for number in range(200)}
    links = "".join(f'<a href="{page}">more</a>' for page in pages)
    environment = {"IMAGES_MIRRORS": str(mirror.root), "HOST_DELAY_SECONDS": "0.2"}
    with Site({"/": f'<img src="/1.png"><img src="/2.png">{links}', "/1.png": a_png(1), "/2.png": a_png(2)}) as site:
        process = project.start("crawl", "images", "-a", f"url={site.url}", **environment)
        wait_until(lambda: mirror.root.joinpath(".partial").exists() and files_of(mirror))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (130, False), said
    copied, left = files_of(mirror), project.rows("select path from copies")
    assert {*copied, *(path for (path,) in left)} == {path for (path,) in project.rows("select path from images")}
