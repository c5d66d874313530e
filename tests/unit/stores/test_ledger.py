"""Ledgers of a store: what is written is read again, and half a line is told from a whole one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from image_spider.exceptions import StoreError
from image_spider.items import Failure, ImageItem, Topic
from image_spider.stores.ledger import FOLDER, Ledger, ledgers, read_ledger
from tests.samples import a_picture, an_image, an_item

ITEMS = [
    an_item(image=an_image(), topics=(Topic("nature", 0.7, "words"),), alternatives=("https://example.com/b.jpg",)),
    an_item("https://example.com/未名湖.jpg", image=None, alt="lone \ud800 surrogate\n", width=3, fetched=False),
    an_item("https://example.com/c.jpg", image=a_picture(1, 1), crawl="d", text="x" * 5000),
]


def read(root: Path) -> list[ImageItem | None]:
    return [line.item for file in ledgers(root) for line in read_ledger(file)]


def unmeasured(item: ImageItem) -> ImageItem:
    """The item without what the file itself tells again."""
    return replace(item, image=item.image and replace(item.image, understanding=None))


def test_what_was_recorded_is_read_again(tmp_path: Path):
    ledger = Ledger(tmp_path)
    ledger.append(ITEMS[:2])
    ledger.append(ITEMS[2:])
    ledger.close()
    assert read(tmp_path) == [unmeasured(item) for item in ITEMS]
    assert len(ledgers(tmp_path)) == 1


def test_what_failed_leaves_no_line_and_nothing_leaves_no_file(tmp_path: Path):
    ledger = Ledger(tmp_path)
    ledger.append([])
    ledger.append([an_item(failure=Failure("status", "HTTP 404"))])
    ledger.close()
    assert not (tmp_path / FOLDER).exists()


def test_a_ledger_that_is_long_enough_is_followed_by_another(tmp_path: Path):
    ledger = Ledger(tmp_path, rotated_bytes=6000)
    for _ in range(3):
        ledger.append(ITEMS)
    ledger.append(ITEMS[:1])
    ledger.close()
    sizes = [file.bytes for file in ledgers(tmp_path)]
    assert len(sizes) == 4
    assert all(size >= 6000 for size in sizes[:3])
    assert read(tmp_path) == [unmeasured(item) for item in (*ITEMS * 3, ITEMS[0])]


@pytest.mark.parametrize("missing", [1, 2, 100, 500])
def test_a_torn_last_line_is_no_item(tmp_path: Path, missing: int):
    ledger = Ledger(tmp_path)
    ledger.append(ITEMS)
    ledger.close()
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:-missing])
    (file,) = ledgers(tmp_path)
    *whole, torn = read_ledger(file)
    assert [line.item for line in whole] == [unmeasured(item) for item in ITEMS[:2]]
    assert torn.item is None
    assert torn.place == f"{path}:3"
    assert sum(line.bytes for line in (*whole, torn)) == file.bytes


@pytest.mark.parametrize("line", [b"\n", b"null\n", b"[]\n", b'{"image": {}}\n', b"\xff\n", b'{"candidate": 1}\n'])
def test_a_line_that_is_none_is_no_item(tmp_path: Path, line: bytes):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "a.jsonl").write_bytes(line)
    assert read(tmp_path) == [None]


def test_two_ledgers_of_one_store_are_two_files(tmp_path: Path):
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    first.append(ITEMS[:1])
    second.append(ITEMS[:1])
    first.close()
    second.close()
    assert len(ledgers(tmp_path)) == 2


def test_a_ledger_that_cannot_be_written_is_an_error_with_the_remedy(tmp_path: Path):
    (tmp_path / FOLDER).touch()
    with pytest.raises(StoreError, match=r"cannot write to the ledger in .*set IMAGES_STORE"):
        Ledger(tmp_path).append(ITEMS)


def test_a_ledger_that_is_old_enough_is_followed_by_another_and_each_complete_one_is_told(tmp_path: Path):
    told: list[Path] = []
    ledger = Ledger(tmp_path, rotated_seconds=0, completed=told.append)
    ledger.append(ITEMS[:1])
    ledger.append(ITEMS[1:])
    ledger.close()
    assert [str(path) for path in told] == [file.place for file in ledgers(tmp_path)]
    assert len(told) == 2
