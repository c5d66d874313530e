"""The file that says that a crawl is alive; tests/system/test_metrics.py looks at it from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler
from twisted.internet.task import Clock

from image_spider.exceptions import UsageError
from image_spider.extensions.alive import TOUCH_SECONDS, Alive


def test_without_alive_file_nothing_is_written():
    with pytest.raises(NotConfigured):
        Alive.from_crawler(get_crawler())


def test_the_file_is_there_before_the_crawl_begins(tmp_path: Path):
    Alive.from_crawler(get_crawler(settings_dict={"ALIVE_FILE": str(tmp_path / "alive")}))
    assert (tmp_path / "alive").exists()


def test_a_file_that_cannot_be_written_is_refused_with_the_reason(tmp_path: Path):
    with pytest.raises(UsageError, match=r"ALIVE_FILE.*No such file or directory"):
        Alive.from_crawler(get_crawler(settings_dict={"ALIVE_FILE": str(tmp_path / "nowhere/alive")}))


def test_a_file_that_cannot_be_touched_for_a_while_is_touched_again_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder, aside = tmp_path / "folder", tmp_path / "aside"
    folder.mkdir()
    clock = Clock()
    alive = Alive(folder / "alive", clock=clock)
    alive.engine_started()
    folder.rename(aside)
    clock.pump([TOUCH_SECONDS] * 2)
    aside.rename(folder)
    (folder / "alive").unlink()
    clock.advance(TOUCH_SECONDS)
    assert (folder / "alive").exists()
    alive.engine_stopped()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No such file or directory" in caplog.text
