"""Crawls whose images go into a bucket, and into several volumes."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.bucket_site import BucketSite
from tests.project import FAST, Project
from tests.s3_server import KEYS, S3Server
from tests.servers import running
from tests.waiting import DEADLINE_SECONDS, wait_until

OFF_THE_REACTOR = """
import sys, threading
from image_spider.stores.ledger import Ledger
from image_spider.stores.local import LocalStore
def watched(name, method):
    def call(*arguments, **options):
        if threading.current_thread() is threading.main_thread():
            print("on the reactor:", name, file=sys.stderr)
        called.add(name)
        return method(*arguments, **options)
    return call
called = set()
for owner, names in (
    (LocalStore, ("open", "close", "write", "remove", "size", "begin_ledger")),
    (Ledger, ("append", "close")),
):
    for name in names:
        setattr(owner, name, watched(f"{owner.__name__}.{name}", getattr(owner, name)))
from scrapy.cmdline import execute
try:
    execute(["scrapy", *sys.argv[1:]])
finally:
    print("called:", *sorted(called), file=sys.stderr)
"""


@pytest.fixture
def bucket_site() -> Iterator[BucketSite]:
    with running(BucketSite()) as site:
        yield site


def in_bucket(project: Project, url: str, bucket: str) -> Project:
    project.environment |= {**KEYS, "IMAGES_STORE": f"s3://{bucket}/images?endpoint_url={url}"}
    return project


def assert_objects_and_rows_agree(project: Project, objects: Mapping[str, bytes]) -> None:
    """No image of a wrong hash, no row without its object."""
    originals = {
        path: hashlib.sha256(data).hexdigest()
        for path, data in objects.items()
        if not path.startswith((".ledgers/", ".partial/")) and not path.endswith(".thumb.jpg")
    }
    assert all(Path(path).stem == sha256 for path, sha256 in originals.items())
    rows = project.rows("select sha256, path from images")
    assert rows
    assert all(originals.get(path) == sha256 for sha256, path in rows)


def below(prefix: str, objects: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path.removeprefix(prefix): data for path, data in objects.items()}


def lines(objects: Mapping[str, bytes]) -> int:
    return sum(data.count(b"\n") for path, data in objects.items() if path.startswith(".ledgers/"))


def test_a_crawl_fills_a_bucket_of_which_the_catalog_can_be_made_again(project: Project, site: DemoServer):
    with running(S3Server()) as server:
        bucket = server.make_bucket()
        in_bucket(project, server.url, bucket)
        done = project.crawl(site.url, "-a", "max_images=25")
        assert done.returncode == 0, done.stderr
        objects = below("images/", server.objects(bucket))
        assert_objects_and_rows_agree(project, objects)
        assert sum(path.endswith(".thumb.jpg") for path in objects) > 10
        assert not (project.data / "images").exists()
        sightings = set(project.rows("select id, image_url, page_url, alt, seen_at from sightings"))
        assert lines(objects) == len(sightings)

        assert project.run("report").returncode == 0
        assert "data:image/jpeg;base64," in (project.data / "report.html").read_text(encoding="utf-8")
        for file in project.data.glob("catalog.sqlite3*"):
            file.unlink()
        done = project.run("catalog", "recover", "--apply")
        assert done.returncode == 0, done.stdout + done.stderr
        assert set(project.rows("select id, image_url, page_url, alt, seen_at from sightings")) == sightings


def test_an_outage_that_ends_costs_nothing(project: Project, site: DemoServer, bucket_site: BucketSite):
    in_bucket(project, bucket_site.url, "bucket")
    process = project.start_crawl(site.url, "-a", "max_images=25")
    wait_until(lambda: len(bucket_site.objects) > 5)
    bucket_site.answers = [503] * 50
    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, said
    assert not bucket_site.answers
    assert_objects_and_rows_agree(project, below("bucket/images/", bucket_site.objects))
    assert project.rows("select images, state from crawls") == [(25, "completed")]


def test_an_outage_that_stays_ends_the_crawl_and_the_same_command_goes_on(project: Project, site: DemoServer):
    first = BucketSite()
    in_bucket(project, first.url, "bucket")
    with running(first):
        process = project.start_crawl(site.url, "-a", "max_images=25", "-s", "IMAGES_STORE_RETRY_SECONDS=0.3")
        wait_until(lambda: len(first.objects) > 5)
        first.answers = [503] * 100_000
        _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1
    assert "the image store s3://bucket/images?endpoint_url=" in said
    assert ": HTTP 503. Nothing is lost" in said or ": Refused: as told. Nothing is lost" in said
    assert_objects_and_rows_agree(project, below("bucket/images/", first.objects))
    assert list((project.data / "ledgers").rglob("*.jsonl"))  # what could not be uploaded
    again = BucketSite(port=first.port)
    again.objects = first.objects
    with running(again):
        done = project.crawl(site.url, "-a", "max_images=25")
    assert done.returncode == 0, done.stderr
    objects = below("bucket/images/", again.objects)
    assert_objects_and_rows_agree(project, objects)
    assert lines(objects) >= len(project.rows("select id from sightings"))
    assert not list((project.data / "ledgers").rglob("*.jsonl"))


def test_ctrl_c_ends_a_crawl_whose_bucket_is_away(project: Project, site: DemoServer, bucket_site: BucketSite):
    in_bucket(project, bucket_site.url, "bucket")
    process = project.start_crawl(site.url, "-s", "IMAGES_STORE_RETRY_SECONDS=1e9")
    wait_until(lambda: len(bucket_site.objects) > 5)
    bucket_site.answers = [503] * 100_000
    wait_until(lambda: len(bucket_site.answers) < 99_900)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 1, said  # what was in hand could not be stored
    assert "Traceback" not in said
    assert_objects_and_rows_agree(project, below("bucket/images/", bucket_site.objects))
    assert "Waiting for the image store: cannot" in said


def test_a_bucket_that_is_not_there_is_told_at_once(project: Project, site: DemoServer, bucket_site: BucketSite):
    in_bucket(project, bucket_site.url, "missing")
    done = project.crawl(site.url)
    assert done.returncode == 1
    assert "there is no such bucket. Make the bucket" in done.stderr
    assert "Traceback" not in done.stderr
    assert not project.rows("select 1 from images")


def test_no_store_and_no_ledger_is_ever_touched_on_the_reactor(project: Project, site: DemoServer):
    store = ",".join(str(project.folder / name) for name in "abc")
    command = [
        "crawl",
        "images",
        "-a",
        f"url={site.url}",
        *FAST,
        "-s",
        "DUPLICATES=drop",
        "-s",
        f"IMAGES_STORE={store}",
    ]
    done = subprocess.run(
        [sys.executable, "-c", OFF_THE_REACTOR, *command],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "on the reactor" not in done.stderr
    called = set(done.stderr.rpartition("called: ")[2].split())
    assert called >= {f"LocalStore.{name}" for name in ("open", "close", "write", "remove", "size", "begin_ledger")}
    assert called >= {"Ledger.append", "Ledger.close"}
    originals = [path for path in project.folder.glob("[abc]/??/??/*") if not path.name.endswith(".thumb.jpg")]
    rows = dict(project.rows("select path, sha256 from images"))
    assert {str(path.relative_to(project.folder))[2:]: path.stem for path in originals} == rows
    assert {path.relative_to(project.folder).parts[0] for path in originals} == set("abc")
