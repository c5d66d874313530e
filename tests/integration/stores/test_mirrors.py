"""Mirrors between folders and buckets: what S3 does to them while it is away, denies or breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image_spider import config
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import behind, queue_copies
from image_spider.integrity.check import Check
from image_spider.integrity.repair import Repair
from image_spider.mirrors.copying import Copying
from image_spider.mirrors.opening import make_mirrors
from image_spider.stores.local import LocalStore
from image_spider.stores.opening import store_at
from image_spider.stores.store import Store
from tests.bucket_site import BucketSite
from tests.s3_server import S3Server
from tests.stored_images import files_of, store_images

FILES = 6


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path}/catalog.sqlite3") as catalog:
        catalog.open()
        yield catalog


@pytest.fixture
def stored(catalog: Catalog, store: LocalStore) -> dict[str, bytes]:
    return store_images(catalog, store, FILES)


class Mirrored:
    """A store and its mirror, with a clock that only goes when it is told to."""

    def __init__(self, catalog: Catalog, store: Store, mirror: Store, stored: dict[str, bytes]) -> None:
        self.catalog, self.mirror = catalog, mirror
        self.now = datetime.now(UTC)
        sha256s = [Path(path).stem for path in stored]
        work = lambda connection: queue_copies(connection, sha256s, mirrors=[mirror.name], now=self.now)  # noqa: E731
        catalog.transaction(work)
        self.copying = Copying(catalog=catalog, store=store, mirror=mirror, clock=lambda: self.now)

    def copy_all(self) -> None:
        while self.copying.step().claimed:
            pass
        self.copying.close()
        self.mirror.close()
        assert self.catalog.read(behind) == []


def a_mirror(url: str, folder: Path) -> Store:
    values = {"IMAGES_MIRRORS": url, "DATA_DIR": str(folder / "data"), "IMAGES_STORE_RETRY_SECONDS": "0"}
    (mirror,) = make_mirrors(config.load(values))
    return mirror


def test_a_folder_is_mirrored_to_s3_and_mended_from_there(
    catalog: Catalog, store: LocalStore, stored: dict[str, bytes], s3: S3Server, tmp_path: Path
):
    bucket = s3.make_bucket()
    mirror = a_mirror(f"s3://{bucket}/mirror?endpoint_url={s3.url}", tmp_path)
    Mirrored(catalog, store, mirror, stored).copy_all()
    seen = s3.objects(bucket)
    assert {path: seen[f"mirror/{path}"] for path in stored} == stored
    store.remove(min(stored))
    (store.root / max(stored)).write_bytes(stored[max(stored)][::-1])
    repair = Repair(store=store, mirrors=[mirror], aside=tmp_path / "aside")
    (checked,) = Check(catalog=catalog, store=store, full=True).recorded()
    assert [repair.copy_back(finding).repaired for finding in checked.findings] == [
        f"copied back from {mirror.name}"
    ] * 2
    mirror.close()
    assert files_of(store) == stored


def test_a_bucket_is_mirrored_to_a_folder(catalog: Catalog, s3: S3Server, tmp_path: Path):
    bucket = f"s3://{s3.make_bucket()}?endpoint_url={s3.url}"
    store = store_at(bucket, config.load({"DATA_DIR": str(tmp_path / "data")}))
    store.open()
    stored = store_images(catalog, store, FILES)
    (tmp_path / "mirror").mkdir()
    mirror = a_mirror(str(tmp_path / "mirror"), tmp_path)
    Mirrored(catalog, store, mirror, stored).copy_all()
    store.close()
    assert files_of(mirror) == stored


@pytest.mark.parametrize(("status", "words"), [(503, "Nothing is lost"), (403, "permission denied"), (500, "HTTP 500")])
def test_while_s3_is_away_or_denies_everything_waits_in_the_queue_with_the_reason(
    catalog: Catalog,
    store: LocalStore,
    stored: dict[str, bytes],
    site: BucketSite,
    tmp_path: Path,
    status: int,
    words: str,
):
    mirror = a_mirror(f"s3://bucket/mirror?endpoint_url={site.url}", tmp_path)
    mirrored = Mirrored(catalog, store, mirror, stored)
    assert mirrored.copying.step(limit=1).files == 1
    site.answers = [status] * 1000
    for _ in range(10):
        copied = mirrored.copying.step(limit=1)
        assert (copied.files, not copied.claimed or words in copied.away) == (0, True), copied
        mirrored.now += timedelta(minutes=6)
    (state,) = catalog.read(behind)
    assert state.files == FILES - 1
    assert words in state.error
    site.answers = []
    mirrored.now += timedelta(minutes=10)
    mirrored.copy_all()
    assert {path: site.objects[f"bucket/mirror/{path}"] for path in stored} == stored


def test_an_upload_that_breaks_off_in_the_middle_is_done_again(
    catalog: Catalog, store: LocalStore, stored: dict[str, bytes], site: BucketSite, tmp_path: Path
):
    mirror = a_mirror(f"s3://bucket/mirror?endpoint_url={site.url}", tmp_path)
    mirrored = Mirrored(catalog, store, mirror, stored)
    assert mirrored.copying.step(limit=1).files == 1
    site.broken_puts = 1
    assert mirrored.copying.step(limit=1).away
    mirrored.now += timedelta(seconds=30)
    mirrored.copy_all()
    assert {path: site.objects[f"bucket/mirror/{path}"] for path in stored} == stored
