"""An egg that does not work is refused before a node sees it."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.deployment.egg import EggRefused, default_version, read_egg
from tests.project import ROOT
from tests.tiny_egg import tiny_egg


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import missing_here", "No module named 'missing_here'"),
        ("x ==", "SyntaxError"),
        ("raise SystemExit(3)", "scrapy list` fails in it"),
    ],
)
def test_an_egg_whose_spiders_cannot_be_listed_is_refused_with_the_reason(tmp_path: Path, code: str, reason: str):
    with pytest.raises(EggRefused, match=reason):
        read_egg(tiny_egg(tmp_path / "bad.egg", code), version="1")


def test_an_egg_whose_pipeline_cannot_be_imported_is_refused_though_it_lists_its_spiders(tmp_path: Path):
    egg = tiny_egg(tmp_path / "bad.egg", setting='ITEM_PIPELINES = {"tiny.missing.Pipeline": 1}')
    with pytest.raises(EggRefused, match=r"ITEM_PIPELINES names tiny\.missing\.Pipeline, which cannot be imported"):
        read_egg(egg, version="1")


def test_an_egg_whose_import_never_ends_is_refused(tmp_path: Path):
    with pytest.raises(EggRefused, match="an import in it does not return"):
        read_egg(tiny_egg(tmp_path / "endless.egg", "while True: pass"), version="1", seconds=2)


def test_a_file_that_is_not_a_whole_egg_of_a_project_is_refused(tmp_path: Path):
    whole = tiny_egg(tmp_path / "whole.egg").read_bytes()
    half, other, damaged = (tmp_path / name for name in ("half.egg", "other.egg", "damaged.egg"))
    half.write_bytes(whole[: len(whole) // 2])
    middle = whole.index(b"tiny/spiders.py") + 60  # in its packed text
    damaged.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Name: other\n")
    for file, reason in (
        (half, "no egg"),
        (other, "no settings"),
        (damaged, "damaged|no egg"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(EggRefused, match=reason):
            read_egg(file, version="1")


def test_a_default_version_sorts_by_time_and_names_the_commit(tmp_path: Path):
    early, late = (default_version(ROOT, datetime(2026, 11, day, 22, 15, 30, tzinfo=UTC)) for day in (9, 20))
    assert early < late
    assert late.startswith("20261120-221530")
    assert default_version(tmp_path, datetime(2026, 11, 20, tzinfo=UTC)) == "20261120-000000"
