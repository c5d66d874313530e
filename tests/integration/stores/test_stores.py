"""What every store does alike: a folder, a bucket of S3, one of Google Cloud Storage, and several volumes."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from image_spider import config
from image_spider.exceptions import DamagedFile
from image_spider.stores.ledger import FOLDER, read_ledger
from image_spider.stores.opening import images_store
from image_spider.stores.paths import image_path, thumbnail_path
from image_spider.stores.store import Store, StoredFile
from tests.samples import an_image, an_item

KINDS = ["folder", "s3", "gs", "volumes", "buckets"]


def an_address(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "folder":
        return str(folder / "images")
    if kind == "volumes":
        return ",".join(str(folder / name) for name in "abc")
    if kind == "gs":
        account = request.getfixturevalue("site").google_account(folder)
        return f"gs://bucket/a/prefix?credentials={account}"
    server = request.getfixturevalue("s3")
    addresses = [f"s3://{server.make_bucket()}/a/prefix?endpoint_url={server.url}" for _ in range(2)]
    return addresses[0] if kind == "s3" else ",".join(addresses)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    address = an_address(request.param, request, tmp_path)
    store = images_store(config.load({"IMAGES_STORE": address, "DATA_DIR": str(tmp_path / "data")}))
    assert not store.exists() or request.param in {"s3", "gs", "buckets"}  # there a bucket is made by its owner
    store.open()
    return store


def an_image_file(number: int) -> tuple[str, bytes, str]:
    """Return the path, the bytes and the SHA-256 of an image."""
    data = f"image {number}".encode() * 100
    sha256 = hashlib.sha256(data).hexdigest()
    return image_path(sha256, ".jpg"), data, sha256


def test_what_is_written_can_be_read_and_is_written_once(store: Store):
    path, data, sha256 = an_image_file(1)
    assert store.size(path) is None
    assert store.write(path, data)
    assert not store.write(path, data)
    assert store.size(path) == len(data)
    assert store.read(path, size=len(data), sha256=sha256) == data
    assert store.fetch(path) == data


def test_a_file_of_another_size_is_replaced(store: Store):
    path, data, sha256 = an_image_file(1)
    store.write(path, data[:50])
    assert store.write(path, data)
    assert store.read(path, size=len(data), sha256=sha256) == data


def test_what_is_missing_or_damaged_is_named(store: Store):
    path, data, sha256 = an_image_file(1)
    with pytest.raises(DamagedFile) as raised:
        store.fetch(path)
    assert str(raised.value) == f"{store.place(path)}: missing"
    store.write(path, data[:-1] + b"x")
    for size, reason in ((len(data), "its SHA-256 is not that of its name"), (5, "700 bytes instead of 5")):
        with pytest.raises(DamagedFile) as raised:
            store.read(path, size=size, sha256=sha256)
        assert str(raised.value) == f"{store.place(path)}: {reason}"


def test_what_is_removed_is_gone_and_may_be_removed_again(store: Store):
    path, data, _ = an_image_file(1)
    store.write(path, data)
    store.remove(path)
    store.remove(path)
    assert store.size(path) is None


def test_the_files_are_the_images_alone(store: Store):
    files = [an_image_file(number) for number in range(20)]
    for path, data, _ in files:
        store.write(path, data)
        store.write(thumbnail_path(path), b"derived", durable=False)
    store.write("notes.txt", b"somebody's own")
    found = list(store.files())
    assert sorted(found, key=lambda file: file.path) == sorted(
        (StoredFile(path, len(data)) for path, data, _ in files), key=lambda file: file.path
    )


def test_many_threads_may_write_and_read_at_once(store: Store):
    files = [an_image_file(number % 10) for number in range(40)]
    with ThreadPoolExecutor(max_workers=store.threads) as threads:
        list(threads.map(lambda file: store.write(file[0], file[1]), files))
        read = list(threads.map(lambda file: store.read(file[0], size=len(file[1]), sha256=file[2]), files))
    assert read == [data for _, data, _ in files]


def test_a_large_file_is_stored_as_it_is(store: Store):
    data = os.urandom(12 * 2**20)
    path = image_path(hashlib.sha256(data).hexdigest(), ".png")
    store.write(path, data)
    assert store.fetch(path) == data


def test_a_ledger_can_be_read_by_others_when_it_is_closed(store: Store, tmp_path: Path):
    ledger = store.begin_ledger()
    ledger.append([an_item(image=an_image())])
    ledger.close()
    store.close()
    (file,) = store.ledgers()
    assert [line.item.candidate.url for line in read_ledger(file) if line.item] == ["https://example.com/a.jpg"]
    assert file.place.endswith(f"/{FOLDER}/{file.name}")
    assert not list((tmp_path / "data").rglob("*.jsonl"))  # nothing is left to be uploaded


def test_a_closed_store_may_be_used_again(store: Store):
    path, data, _ = an_image_file(1)
    store.write(path, data)
    store.close()
    assert store.fetch(path) == data
