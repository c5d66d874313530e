"""What `scrapy mirrors` and `scrapy catalog check-images` refuse before they do anything."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError as WrongArguments

from image_spider import config
from image_spider.catalog_actions import check_images
from image_spider.commands.mirrors import Command
from image_spider.exceptions import CatalogError, UsageError


def mirrors(*words: str, **settings: str) -> None:
    command, parser = Command(), argparse.ArgumentParser()
    parser.add_argument("arguments", nargs="*")
    command.settings = None
    for option in ("--json", "--copy", "--compare", "--full"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--forget")
    options = parser.parse_args(words)
    command.execute(options.arguments, options, config.check(settings))


@pytest.mark.parametrize("words", [["what"], ["--full"], ["--forget", "x", "--copy"], ["--forget", "x", "--compare"]])
def test_mirrors_takes_no_arguments_and_no_options_that_exclude_each_other(words: list[str]):
    with pytest.raises(WrongArguments):
        mirrors(*words)


def test_without_mirrors_there_is_nothing_to_copy_to():
    with pytest.raises(UsageError, match="IMAGES_MIRRORS"):
        mirrors("--copy")


def test_without_a_catalog_there_is_nothing_to_copy_or_to_compare_with(tmp_path: Path):
    with pytest.raises(CatalogError, match="there is no catalog"):
        mirrors("--copy", IMAGES_MIRRORS="/mnt/mirror", DATA_DIR=str(tmp_path))
    with pytest.raises(CatalogError, match="there is no catalog"):
        check(tmp_path)
    assert not (tmp_path / "catalog.sqlite3").exists()


def check(folder: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    check_images.add_options(parser)
    return check_images.run(parser.parse_args(words), config.check({"DATA_DIR": str(folder)}))


@pytest.mark.parametrize("option", ["--no-download", "--empty"])
def test_options_of_a_repair_go_with_a_repair(tmp_path: Path, option: str):
    with pytest.raises(UsageError, match="--repair"):
        check(tmp_path, option)
