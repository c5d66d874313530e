"""Object stores that are away, slow, overloaded, broken off or forbidden."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from image_spider.exceptions import DamagedFile, StoreAway, StoreError, UsageError
from image_spider.stores.address import parse_addresses
from image_spider.stores.ledger import read_ledger
from image_spider.stores.object_client import Access
from image_spider.stores.object_store import ObjectStore
from image_spider.stores.paths import image_path
from tests.bucket_site import BucketSite
from tests.project import ROOT
from tests.s3_server import S3Server
from tests.samples import an_image, an_item
from tests.servers import free_port, running
from tests.tcp_proxy import ProxyThread
from tests.waiting import wait_until

DATA = b"bytes of an image" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
PATH = image_path(SHA256, ".jpg")
KILLED = """
import os, signal, sys
from pathlib import Path
from image_spider.stores.address import parse_addresses
from image_spider.stores.object_client import Access
from image_spider.stores.object_store import ObjectStore
from tests.samples import an_image, an_item
(address,) = parse_addresses(sys.argv[1])
ledger = ObjectStore(address, access=Access(), spool=Path(sys.argv[2])).begin_ledger()
ledger.append([an_item(image=an_image())])
os.kill(os.getpid(), signal.SIGKILL)
"""

Opened = Callable[..., ObjectStore]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    def make(url: str, *, request_seconds: float = 20.0, retry_seconds: float = 60.0) -> ObjectStore:
        (address,) = parse_addresses(url)
        access = Access(request_seconds=request_seconds, retry_seconds=retry_seconds)
        return ObjectStore(address, access=access, spool=tmp_path / "spool")

    return make


@pytest.fixture
def store(site: BucketSite, opened: Opened) -> ObjectStore:
    return opened(f"s3://bucket?endpoint_url={site.url}")


def test_a_service_that_is_away_for_a_while_is_waited_for(store: ObjectStore, site: BucketSite):
    site.answers = [503, 500, 429, 503]
    assert store.write(PATH, DATA)
    assert site.objects == {f"bucket/{PATH}": DATA}


def test_a_connection_that_breaks_in_the_middle_of_an_upload_leaves_no_half_file(store: ObjectStore, site: BucketSite):
    site.broken_puts = 2
    assert store.write(PATH, DATA)
    assert site.objects == {f"bucket/{PATH}": DATA}


def test_an_upload_whose_answer_is_lost_is_done_again_and_changes_nothing(store: ObjectStore, site: BucketSite):
    site.lost_answers = 1
    assert store.write(PATH, DATA)
    assert [method for method, _ in site.asked] == ["HEAD", "PUT", "PUT"]
    assert site.objects == {f"bucket/{PATH}": DATA}


def test_a_download_that_breaks_off_is_finished(store: ObjectStore, site: BucketSite):
    store.write(PATH, DATA)
    site.cut_bodies = 1
    assert store.read(PATH, size=len(DATA), sha256=SHA256) == DATA
    assert [method for method, _ in site.asked].count("GET") == 2


def test_a_service_that_stays_away_is_an_error_with_the_remedy(opened: Opened):
    store = opened(f"s3://bucket?endpoint_url=http://127.0.0.1:{free_port()}", retry_seconds=0.2)
    for call in (store.open, lambda: store.write(PATH, DATA), lambda: store.size(PATH), lambda: store.fetch(PATH)):
        with pytest.raises(StoreAway, match=r"the image store s3://bucket.*: connection refused\. Nothing is lost"):
            call()


def test_a_service_that_is_overloaded_for_too_long_is_an_error(site: BucketSite, opened: Opened):
    store = opened(f"s3://bucket?endpoint_url={site.url}", retry_seconds=0)
    site.answers = [503]
    with pytest.raises(StoreAway, match=r"HTTP 503\. Nothing is lost"):
        store.write(PATH, DATA)


def test_a_service_that_does_not_answer_is_given_up_in_time(s3: S3Server, opened: Opened):
    proxy = ProxyThread(target=s3.port)
    try:
        bucket = s3.make_bucket()
        store = opened(
            f"s3://{bucket}?endpoint_url=http://127.0.0.1:{proxy.port}", request_seconds=0.3, retry_seconds=0.5
        )
        patient = opened(f"s3://{bucket}?endpoint_url=http://127.0.0.1:{proxy.port}")
        patient.write(PATH, DATA)
        proxy.do(lambda proxy: proxy.stall())
        with pytest.raises(StoreAway, match=r"no answer within 0\.3 s"):
            store.size(PATH)
        proxy.do(lambda proxy: proxy.resume())
        assert patient.size(PATH) == len(DATA)
    finally:
        proxy.close()


def test_a_bucket_that_is_not_there_is_told_at_the_start(s3: S3Server, opened: Opened):
    store = opened(f"s3://nowhere?endpoint_url={s3.url}")
    assert not store.exists()
    with pytest.raises(StoreError, match=r"s3://nowhere.*there is no such bucket\. Make the bucket") as raised:
        store.open()
    assert not isinstance(raised.value, StoreAway)


def test_permission_denied_is_told_at_the_start_and_is_no_damage(opened: Opened):
    with running(S3Server(requests_without_rights=1)) as server:
        store = opened(f"s3://{server.make_bucket()}?endpoint_url={server.url}")
        with pytest.raises(StoreError, match=r"permission denied \(InvalidAccessKeyId.*Give its keys the right"):
            store.open()
        with pytest.raises(StoreError, match="permission denied") as raised:
            store.read(PATH, size=len(DATA), sha256=SHA256)
        assert not isinstance(raised.value, DamagedFile | StoreAway)


def test_rights_that_are_taken_away_while_crawling_are_an_error_at_once(store: ObjectStore, site: BucketSite):
    store.open()
    site.answers = [403]
    with pytest.raises(StoreError, match="permission denied"):
        store.write(PATH, DATA)
    assert site.asked[-1][0] == "HEAD"  # it was not tried again


@pytest.mark.parametrize("text", ["", "[default]\n", "no ini file", "[other]\naws_access_key_id=a\n"])
def test_a_file_without_keys_is_refused_and_not_shown(site: BucketSite, opened: Opened, tmp_path: Path, text: str):
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"credentials=.*aws_secret_access_key"):
        opened(f"s3://bucket?endpoint_url={site.url}&credentials={file}").open()


def test_keys_of_a_file_win_over_those_of_the_environment(opened: Opened, tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text("[default]\naws_access_key_id = other\naws_secret_access_key = 100%secret\n")
    with running(S3Server(requests_without_rights=1)) as server:
        url = f"s3://{server.make_bucket()}?endpoint_url={server.url}&credentials={file}"
        with pytest.raises(StoreError, match="permission denied") as raised:
            opened(url).open()
    assert "secret" not in str(raised.value)
    assert str(file) not in str(raised.value)


def test_a_ledger_that_cannot_be_uploaded_waits_and_goes_with_the_next(
    store: ObjectStore, site: BucketSite, caplog: pytest.LogCaptureFixture
):
    ledger = store.begin_ledger()
    site.answers = [403]
    with caplog.at_level(logging.WARNING):
        ledger.append([an_item(image=an_image())])
        ledger.close()
        wait_until(lambda: "A ledger waits in" in caplog.text)
    assert [file.place for file in store.ledgers()] == [str(path) for path in _spooled(store)]
    ledger.append([an_item(image=an_image())])
    ledger.close()
    store.close()
    assert not _spooled(store)
    files = store.ledgers()
    assert all(file.place.startswith("s3://bucket/.ledgers/") for file in files)
    assert sum(1 for file in files for line in read_ledger(file) if line.item) == 2


def test_the_ledger_of_a_killed_worker_is_uploaded_by_the_next_one_and_none_that_is_being_written(
    opened: Opened, site: BucketSite, tmp_path: Path
):
    url = f"s3://bucket?endpoint_url={site.url}"
    subprocess.run([sys.executable, "-c", KILLED, url, tmp_path / "spool"], cwd=ROOT, check=False)
    ledger = opened(url).begin_ledger()
    ledger.append([an_item(image=an_image())])
    store = opened(url)
    left, written = sorted(_spooled(store))
    assert not site.objects
    store.open()
    assert _spooled(store) == [written]
    assert [path for path in site.objects if ".ledgers" in path] == [f"bucket/.ledgers/{left.name}"]
    ledger.close()


def _spooled(store: ObjectStore) -> list[Path]:
    return sorted(Path(file.place) for file in store._spool.waiting())
