"""Only logs are opened, whatever name is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from image_spider_node.errors import Refused
from image_spider_node.log_files import LogFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs/shop/images").mkdir(parents=True)
    (tmp_path / "logs/shop/images/1.log").write_text("of job 1")
    (tmp_path / "secret.log").write_text("secret")
    return tmp_path / "logs"


def test_a_log_is_opened_by_the_names_of_project_spider_and_job(folder: Path):
    with LogFiles(folder).open("shop", "images", "1") as file:
        assert file.read() == b"of job 1"


@pytest.mark.parametrize(
    "name",
    [
        ("..", "..", "secret"),
        ("shop", "..", "../../secret"),
        ("shop", "images", "../../../secret"),
        ("shop/images", "images", "1"),
        ("", "images", "1"),
        ("shop", "images", "1\0"),
        ("shop", ".", "images/1"),
    ],
)
def test_a_name_that_is_a_path_is_refused(folder: Path, name: tuple[str, str, str]):
    with pytest.raises(Refused) as refused:
        LogFiles(folder).open(*name)
    assert refused.value.status == 400


@pytest.mark.parametrize("job", ["2", "link", "fifo", "folder", "x" * 5000])
def test_what_is_no_file_of_its_own_is_not_found(folder: Path, job: str):
    images = folder / "shop/images"
    (images / "link.log").symlink_to(folder.parent / "secret.log")
    os.mkfifo(images / "fifo.log")
    (images / "folder.log").mkdir()
    with pytest.raises(Refused) as refused:
        LogFiles(folder).open("shop", "images", job)
    assert refused.value.status == 404
    assert [file.job for file in LogFiles(folder).all()] == ["1"]


def test_all_logs_are_listed_with_size_and_age(folder: Path):
    os.utime(folder / "shop/images/1.log", (5.0, 7.0))
    (folder / "other").mkdir()
    (folder / "shop/images/note.txt").touch()
    (folder / "stray.log").touch()
    (found,) = LogFiles(folder).all()
    assert (found.project, found.spider, found.job, found.bytes, found.modified) == ("shop", "images", "1", 8, 7.0)


def test_a_node_without_a_folder_of_logs_has_none(tmp_path: Path):
    assert list(LogFiles(tmp_path / "logs").all()) == []


def test_a_node_that_keeps_no_logs_looks_for_them_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    assert list(LogFiles(None).all()) == []
    with pytest.raises(Refused, match="logs_dir"):
        LogFiles(None).open("shop", "images", "1")
