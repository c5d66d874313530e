"""A catalog that is lost, made again from what the workers left in the store."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import suppress
from typing import Any

from demo.server import DemoServer
from tests.project import FAST, Project
from tests.waiting import wait_until

SIGHTINGS = "select id, image_url, page_url, alt, caption, seen_at, fetched_at from sightings"
IMAGES = "select sha256, path, bytes, width, height, phash_256, content, quality from images"


def lose(project: Project) -> None:
    for file in project.data.glob("catalog.sqlite3*"):
        file.unlink()


def read(project: Project, query: str) -> set[tuple[Any, ...]]:
    return set(project.rows(query))


def test_a_lost_catalog_is_made_again_from_the_store(project: Project, site: DemoServer):
    assert project.crawl(site.url).returncode == 0
    assert project.run("catalog", "recover").stdout == "Nothing is wrong.\n"
    sightings, images = read(project, SIGHTINGS), read(project, IMAGES)
    lose(project)
    told = project.run("catalog", "recover")
    assert told.returncode == 1
    assert f"tell of {len(sightings)} sightings that the catalog does not have" in told.stdout
    done = project.run("catalog", "recover", "--apply")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(sightings)} sightings written again; 0 images without their files left out" in done.stdout
    assert read(project, SIGHTINGS) == sightings
    assert read(project, IMAGES) == images
    project.assert_files_and_rows_agree()
    again = project.run("catalog", "recover", "--apply")
    assert (again.returncode, again.stdout) == (0, "Nothing is wrong.\n")
    assert project.run("report").returncode == 0
    assert "stopped" in project.run("crawls").stdout


def test_what_a_killed_worker_had_recorded_is_in_its_ledger(project: Project, site: DemoServer):
    process = project.start("crawl", "images", "-a", f"url={site.url}", *FAST, "-s", "HOST_DELAY_SECONDS=0.02")

    def recorded() -> int:
        with suppress(sqlite3.OperationalError):
            return len(project.rows("select 1 from sightings"))
        return 0

    wait_until(lambda: recorded() >= 20)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    sightings = read(project, "select id from sightings")
    lose(project)
    assert project.run("catalog", "recover", "--apply").returncode == 0
    assert read(project, "select id from sightings") >= sightings
    project.assert_files_and_rows_agree()


def test_a_damaged_catalog_is_told_with_what_to_do(project: Project, site: DemoServer):
    assert project.crawl(site.url).returncode == 0
    assert project.run("catalog", "backup").returncode == 0
    file = project.data / "catalog.sqlite3"
    data = bytearray(file.read_bytes())
    data[8192:-8192] = bytes(len(data) - 16384)
    file.write_bytes(data)
    told = project.run("catalog", "recover", "--apply")
    assert told.returncode == 1
    assert "`scrapy catalog restore 2" in told.stdout
    assert f"move {file.relative_to(project.folder)} away" in told.stdout
    other = project.run("catalog", "recover", DATABASE_URL=f"sqlite:///{file}")
    assert "There is no backup of this catalog, but 1 of others" in other.stdout
    backup_id = told.stdout.partition("catalog restore ")[2].partition("`")[0]
    assert project.run("catalog", "restore", backup_id, "--force").returncode == 0
    assert project.run("catalog", "recover").stdout == "Nothing is wrong.\n"
    project.rows("update images set scores_version = null where format = 'png'")
    assert "images were not measured" in project.run("catalog", "recover").stdout
    assert project.run("catalog", "recover", "--apply").returncode == 0
    assert project.run("catalog", "recover").stdout == "Nothing is wrong.\n"
