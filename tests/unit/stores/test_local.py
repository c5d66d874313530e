import hashlib
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from image_spider.exceptions import DamagedFile, StoreError
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path, thumbnail_path

SHA256 = "ab12" + "0" * 60


def opened(root: Path) -> LocalStore:
    store = LocalStore(root)
    store.open()
    return store


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_path_is_made_of_the_digest_and_a_thumbnail_lies_beside_its_image():
    path = image_path(SHA256, ".jpg")
    assert path == f"ab/12/{SHA256}.jpg"
    assert thumbnail_path(path) == f"ab/12/{SHA256}.thumb.jpg"


def test_what_is_written_is_there_byte_for_byte_and_nothing_else_is(tmp_path: Path):
    store = opened(tmp_path)
    store.write("ab/12/x.jpg", b"bytes")
    assert (tmp_path / "ab/12/x.jpg").read_bytes() == b"bytes"
    assert store.size("ab/12/x.jpg") == 5
    assert files(tmp_path) == ["ab/12/x.jpg"]


def test_names_are_kept_by_one_fsync_of_each_folder_up_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = opened(tmp_path)
    for path in ("ab/12/x.jpg", "ab/12/y.jpg", "ab/34/z.jpg"):
        store.write(path, b"bytes")
    synced: list[str] = []
    fsync = os.fsync

    def spy(number: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink().relative_to(tmp_path)))
        fsync(number)

    monkeypatch.setattr(os, "fsync", spy)
    store.keep_names(["ab/12/x.jpg", "ab/12/y.jpg", "ab/34/z.jpg", "cd/12/on_another_volume.jpg"])
    assert sorted(synced) == [".", "ab", "ab/12", "ab/34"]


def test_many_threads_may_write_the_same_image(tmp_path: Path):
    store = opened(tmp_path)
    data = os.urandom(100_000)
    threads = [threading.Thread(target=store.write, args=("ab/12/x.jpg", data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "ab/12/x.jpg").read_bytes() == data
    assert files(tmp_path) == ["ab/12/x.jpg"]


def test_a_file_of_the_wrong_size_is_replaced(tmp_path: Path):
    store = opened(tmp_path)
    store.write("ab/12/x.jpg", b"half")
    store.write("ab/12/x.jpg", b"the whole")
    assert (tmp_path / "ab/12/x.jpg").read_bytes() == b"the whole"


def test_a_missing_file_has_no_size(tmp_path: Path):
    assert opened(tmp_path).size("ab/12/x.jpg") is None


def test_what_a_dead_worker_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path):
    dead = multiprocessing.get_context("spawn").Process(target=int)
    dead.start()
    dead.join()
    store = opened(tmp_path)
    folder = next(path for path in (tmp_path / ".partial").iterdir())
    (folder / f"{dead.pid}.1.x.jpg").write_bytes(b"half")
    before = folder / f"{os.getpid()}.1.z.jpg"  # of a container that had this process id before
    before.write_bytes(b"half")
    os.utime(before, (1, 1))
    kept = {f"{os.getpid()}.2.z.jpg", f"{os.getppid()}.1.y.jpg", ".DS_Store"}
    for name in kept:
        (folder / name).write_bytes(b"half")
    store.open()
    assert {path.name for path in folder.iterdir()} == kept


def test_a_root_that_is_no_folder_is_refused_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write to the image store .*file.*set IMAGES_STORE"):
        opened(tmp_path / "file")


def test_a_failed_write_leaves_nothing(tmp_path: Path):
    store = opened(tmp_path)
    (tmp_path / "ab").write_text("in the way")
    with pytest.raises(StoreError):
        store.write("ab/12/x.jpg", b"bytes")
    assert files(tmp_path) == ["ab"]


def test_a_file_is_read_only_if_it_is_what_was_stored(tmp_path: Path):
    store, sha256 = opened(tmp_path), hashlib.sha256(b"bytes").hexdigest()
    store.write("a", b"bytes")
    assert store.read("a", size=5, sha256=sha256) == b"bytes"
    for path, size, digest, reason in (
        ("a", 6, sha256, "5 bytes instead of 6"),
        ("a", 5, SHA256, "its SHA-256 is not that of its name"),
        ("b", 5, sha256, "missing"),
        ("a/b", 5, sha256, "cannot be read: Not a directory"),
    ):
        with pytest.raises(DamagedFile) as raised:
            store.read(path, size=size, sha256=digest)
        assert str(raised.value) == f"{tmp_path / path}: {reason}"


def test_the_files_of_a_store_are_its_images_and_nothing_else(tmp_path: Path):
    store = opened(tmp_path)
    images = {image_path(f"{number:02x}12" + "0" * 60, ".jpg"): b"x" * number for number in (1, 2, 3)}
    for path, data in images.items():
        store.write(path, data)
        store.write(thumbnail_path(path), b"derived", durable=False)
    for path in (".ledgers/x.jsonl", ".partial/elsewhere/1.1.x.jpg", "ab/cd/notes.txt", "ab/cd/ab.jpg", "notes.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"not an image")
    assert {file.path: file.size for file in store.files()} == {path: len(data) for path, data in images.items()}


def test_bytes_are_fetched_whatever_they_are_and_a_missing_file_is_damage(tmp_path: Path):
    store = opened(tmp_path)
    store.write("a", b"bytes")
    assert store.fetch("a") == b"bytes"
    for path, reason in (("b", "missing"), ("a/b", "cannot be read: Not a directory")):
        with pytest.raises(DamagedFile) as raised:
            store.fetch(path)
        assert str(raised.value) == f"{tmp_path / path}: {reason}"
