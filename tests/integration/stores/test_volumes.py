"""Several volumes: where files go when one is new, full, away or not mounted, and what a rebalance makes of it."""

from __future__ import annotations

import hashlib
import logging
import shutil
from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from image_spider import config
from image_spider.catalog_actions import rebalance
from image_spider.exceptions import DamagedFile, StoreError, UsageError
from image_spider.stores.ledger import read_ledger
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path, thumbnail_path
from image_spider.stores.rebalance import carry_out, misplaced
from image_spider.stores.volumes import VolumeStore
from tests.samples import an_image, an_item
from tests.servers import running
from tests.small_disk import SmallDisk

NUMBER = 120


def volumes(folder: Path, names: str, weights: Sequence[float] = ()) -> VolumeStore:
    shares = weights or [1.0] * len(names)
    return VolumeStore([(LocalStore(folder / name), share) for name, share in zip(names, shares, strict=True)])


def opened(folder: Path, names: str) -> VolumeStore:
    store = volumes(folder, names)
    store.open()
    return store


def files() -> dict[str, bytes]:
    data = [f"image {number}".encode() * 20 for number in range(NUMBER)]
    return {image_path(hashlib.sha256(one).hexdigest(), ".jpg"): one for one in data}


def fill(store: VolumeStore | LocalStore) -> None:
    for path, data in files().items():
        store.write(path, data)
        store.write(thumbnail_path(path), b"thumbnail of " + data, durable=False)


def on(folder: Path, name: str) -> set[str]:
    return {file.path for file in LocalStore(folder / name).files()}


def whole(store: VolumeStore | LocalStore) -> bool:
    return all(
        store.fetch(path) == data and store.fetch(thumbnail_path(path)) == b"thumbnail of " + data
        for path, data in files().items()
    )


def run(folder: Path, names: Sequence[str], *words: str) -> int:
    parser = ArgumentParser()
    rebalance.add_options(parser)
    store = ",".join(str(folder / name) for name in names)
    settings = config.load({"IMAGES_STORE": store, "DATA_DIR": str(folder / "data")})
    return rebalance.run(parser.parse_args(words), settings)


def test_every_volume_gets_files_and_every_file_lies_on_one(tmp_path: Path):
    store = opened(tmp_path, "abc")
    fill(store)
    parts = [on(tmp_path, name) for name in "abc"]
    assert all(parts)
    assert sum(map(len, parts)) == len(files()) == len(set().union(*parts))
    assert whole(store)


def test_a_new_volume_must_be_taken_in_so_that_a_missing_disk_is_not_mistaken_for_one(tmp_path: Path):
    fill(opened(tmp_path, "ab"))
    for use in (volumes(tmp_path, "abc").open, lambda: volumes(tmp_path, "abc").size("x")):
        with pytest.raises(StoreError, match=r"/c has no label.*mount its disk.*rebalance --take-in"):
            use()
    assert not (tmp_path / "c").exists()
    assert run(tmp_path, "abc", "--take-in") == 0
    volumes(tmp_path, "abc").open()


def test_a_volume_that_is_mounted_elsewhere_is_the_same_volume(tmp_path: Path):
    fill(opened(tmp_path, "ab"))
    (tmp_path / "b").rename(tmp_path / "elsewhere")
    store = VolumeStore([(LocalStore(tmp_path / "elsewhere"), 1.0), (LocalStore(tmp_path / "a"), 1.0)])
    store.open()
    assert whole(store)
    assert not list(misplaced(store))


def test_a_copy_of_a_volume_is_refused(tmp_path: Path):
    opened(tmp_path, "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.raises(StoreError, match="two volumes are labelled"):
        opened(tmp_path, "ab")


def test_files_of_a_volume_that_is_full_go_to_others_with_one_warning_and_come_back_when_it_has_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with running(SmallDisk(tmp_path / "disk", megabytes=4)) as disk:
        small, large = LocalStore(disk.seen(disk.folder) / "images"), LocalStore(tmp_path / "b")
        store = VolumeStore([(small, 1.0), (large, 1.0)])
        store.open()
        disk.fill()
        with caplog.at_level(logging.WARNING):
            fill(store)
        assert len(caplog.records) == 1
        assert "Files go to other volumes: cannot write" in caplog.text
        assert "No space left on device" in caplog.text
        assert {file.path for file in large.files()} == files().keys()
        assert whole(store)
        disk.free()
        (*_,) = carry_out(misplaced(store), threads=2)
        assert not list(misplaced(store))
        assert list(small.files())
        assert whole(store)


def test_when_no_volume_takes_a_file_the_first_one_says_why(tmp_path: Path):
    store = opened(tmp_path, "ab")
    for name in "ab":
        shutil.rmtree(tmp_path / name / ".partial")
    path, data = next(iter(files().items()))
    with pytest.raises(
        StoreError, match=f"cannot write to the image store {store.volumes[store.preferred(path)[0]].name}"
    ):
        store.write(path, data)


def test_a_file_that_may_be_on_a_volume_that_is_away_is_not_told_to_be_missing(tmp_path: Path):
    store = opened(tmp_path, "ab")
    fill(store)
    (tmp_path / "a").rename(tmp_path / "away")
    (tmp_path / "a").write_text("no folder: every look into it is an error")
    found = [path for path in files() if (tmp_path / "b" / path).exists()]
    assert all(store.size(path) for path in found)
    for path in files().keys() - set(found):
        with pytest.raises(StoreError, match="cannot read from the image store"):
            store.size(path)


def test_a_damaged_file_is_read_from_where_it_is_whole(tmp_path: Path):
    store = opened(tmp_path, "ab")
    path, data = next(iter(files().items()))
    sha256 = hashlib.sha256(data).hexdigest()
    for volume in store.volumes.values():
        volume.write(path, data)
    first, second = (store.volumes[label] for label in store.preferred(path))
    Path(first.place(path)).write_bytes(b"x" * len(data))
    assert store.read(path, size=len(data), sha256=sha256) == data
    assert [file.path for file in store.files()] == [path]
    second.remove(path)
    with pytest.raises(DamagedFile, match="SHA-256"):
        store.read(path, size=len(data), sha256=sha256)


def test_a_rebalance_gives_a_new_volume_its_share_and_may_be_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    fill(opened(tmp_path, "ab"))
    assert run(tmp_path, "abc", "--take-in") == 0
    store = opened(tmp_path, "abc")
    assert whole(store)  # before anything is moved
    moves = list(misplaced(store))
    assert {Path(move.target.name).name for move in moves} == {"c"}
    assert run(tmp_path, "abc", "--dry-run") == 0
    assert f"{len(moves)} files of" in capsys.readouterr().out
    assert not on(tmp_path, "c")
    (moved,) = carry_out(islice(misplaced(store), 10), threads=2)
    assert moved.files == len(on(tmp_path, "c")) == 10
    assert whole(store)
    assert run(tmp_path, "abc") == 0
    assert len(on(tmp_path, "c")) == len(moves)
    assert whole(store)
    assert not any(on(tmp_path, "c") & on(tmp_path, name) for name in "ab")
    assert run(tmp_path, "abc") == 0
    assert "0 files" in capsys.readouterr().out


def test_a_file_is_deleted_only_when_its_name_is_durable_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fill(opened(tmp_path, "a"))
    assert run(tmp_path, "abc", "--take-in") == 0

    def fail(store: LocalStore, paths: Collection[str]) -> None:
        assert {file.path for file in store.files()} >= {*paths}
        raise StoreError("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "keep_names", fail)
        with pytest.raises(StoreError, match="Input/output error"):
            run(tmp_path, "abc")
        assert on(tmp_path, "a") == files().keys()
    assert run(tmp_path, "abc") == 0
    assert whole(opened(tmp_path, "abc"))


def test_two_rebalances_at_once_do_each_other_no_harm(tmp_path: Path):
    fill(opened(tmp_path, "a"))
    LocalStore(tmp_path / "b").open()
    store = opened(tmp_path, "b")
    fill(store)
    assert run(tmp_path, "abc", "--take-in") == 0
    store = opened(tmp_path, "abc")
    with ThreadPoolExecutor(max_workers=2) as threads:
        moved = threads.map(lambda _: list(carry_out(misplaced(store), threads=4)), range(2))
    assert not [batch.damaged for batches in moved for batch in batches if batch.damaged]
    assert whole(store)
    assert not list(misplaced(store))


def test_a_file_that_was_copied_and_not_yet_deleted_is_deleted(tmp_path: Path):
    store = opened(tmp_path, "ab")
    path, data = next(iter(files().items()))
    for volume in store.volumes.values():
        volume.write(path, data)
    assert run(tmp_path, "ab") == 0
    assert [label for label, volume in store.volumes.items() if volume.size(path)] == [store.preferred(path)[0]]


def test_a_damaged_file_stays_where_it_is_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    store = opened(tmp_path, "ab")
    path, data = next(iter(files().items()))
    away = store.volumes[store.preferred(path)[1]]
    away.write(path, b"x" * len(data))
    assert run(tmp_path, "ab") == 1
    assert "1 damaged" in capsys.readouterr().out
    assert away.size(path) == len(data)


@pytest.mark.parametrize("names", ["x", "ab"])
def test_another_store_is_emptied_into_this_one_with_its_ledgers(tmp_path: Path, names: str):
    source = LocalStore(tmp_path / "old")
    source.open()
    fill(source)
    ledger = source.begin_ledger()
    ledger.append([an_item(image=an_image())])
    ledger.close()
    assert run(tmp_path, names, "--from", str(tmp_path / "old")) == 0
    store = opened(tmp_path, names) if len(names) > 1 else LocalStore(tmp_path / names)
    assert whole(store)
    assert not list(source.files())
    assert not source.ledgers()
    (file,) = store.ledgers()
    assert len(list(read_ledger(file))) == 1


@pytest.mark.parametrize(
    ("names", "words", "reason"),
    [
        ("a", (), "several volumes"),
        ("a", ("--take-in",), "several volumes"),
        ("ab", ("--from", "{}/a"), "another store"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, names: str, words: tuple[str, ...], reason: str):
    with pytest.raises(UsageError, match=reason):
        run(tmp_path, names, *(word.format(tmp_path) for word in words))


def test_a_store_that_is_not_there_cannot_be_emptied(tmp_path: Path):
    with pytest.raises(StoreError, match="there is no store"):
        run(tmp_path, "a", "--from", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("names", "source"),
    [("a", "{}/link"), ("a", "{}/./a/../a"), ("abc", "{0}/a,{0}/b"), ("ab", "{}/link"), ("ab", "{0}/old,{0}/link")],
)
def test_a_store_is_never_emptied_into_itself_whatever_it_is_called(tmp_path: Path, names: str, source: str):
    store = opened(tmp_path, names) if len(names) > 1 else LocalStore(tmp_path / names)
    store.open()
    fill(store)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    if "old" in source:
        (tmp_path / "old").mkdir()
        (tmp_path / "old/.volume").write_text("old")
    for words in ((), ("--dry-run",)):
        with pytest.raises(UsageError, match=r"this one is IMAGES_STORE|another store than"):
            run(tmp_path, names, "--from", source.format(tmp_path), *words)
    assert whole(store)
    assert not [*tmp_path.glob("*/.same-*")]


def test_a_store_in_the_working_directory_is_not_emptied_into_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = LocalStore(tmp_path / "a")
    store.open()
    fill(store)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="this one is IMAGES_STORE"):
        run(tmp_path, "a", "--from", "a")
    assert whole(store)


def test_new_volumes_that_are_one_folder_are_refused_before_anything_is_moved(tmp_path: Path):
    store = LocalStore(tmp_path / "a")
    store.open()
    fill(store)
    for link in ("b", "longer"):
        (tmp_path / link).symlink_to(tmp_path / "a")
        pair = VolumeStore([(LocalStore(tmp_path / name), 1.0) for name in ("a", link)])
        for use in (pair.open, lambda pair=pair: pair.size("x"), pair.open):  # type: ignore[misc]
            with pytest.raises(StoreError, match="two volumes are labelled"):
                use()
        with pytest.raises(StoreError, match="two volumes are labelled"):
            run(tmp_path, ["a", link])
        store.remove(".volume")
    assert whole(store)
