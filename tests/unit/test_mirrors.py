"""How long is waited, and what is told of mirrors; which stores may be one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from image_spider import config
from image_spider.catalog.copies import Behind
from image_spider.exceptions import StoreError, UsageError
from image_spider.mirrors.opening import make_mirrors, open_mirror
from image_spider.mirrors.pauses import file_pause, mirror_pause
from image_spider.mirrors.state import MirrorState, states_of
from tests.samples import NOON


def test_a_mirror_is_left_alone_for_longer_each_time_but_never_for_more_than_a_minute():
    assert [mirror_pause(failures) for failures in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]


def test_a_file_waits_longer_than_its_mirror_and_for_ten_minutes_at_most():
    assert [file_pause(attempts) for attempts in (1, 2, 3, 5, 6, 10_000)] == [30, 60, 120, 480, 600, 600]


def test_mirrors_that_lack_nothing_and_those_that_are_none_any_more_are_told_of_too():
    found = [Behind(mirror="/old", files=2, bytes=30, since=NOON, failing=1, error="full")]
    states = states_of(found, configured=["/new"], now=NOON + timedelta(seconds=90))
    assert states == [
        MirrorState(mirror="/new", configured=True),
        MirrorState(mirror="/old", configured=False, files=2, bytes=30, seconds=90, failing=1, error="full"),
    ]


@pytest.mark.parametrize("mirrors", ["images", "a b a", "a images"])
def test_the_store_is_no_mirror_of_itself_and_no_mirror_is_named_twice(mirrors: str):
    settings = config.check({"IMAGES_STORE": "images", "IMAGES_MIRRORS": mirrors})
    with pytest.raises(UsageError, match="IMAGES_MIRRORS"):
        make_mirrors(settings)


@pytest.mark.parametrize(
    ("store", "mirrors"), [("{0}/images", "images"), ("a,b", "b"), ("a", "c,{0}/a"), ("a", "b c,./b"), ("a", "x/../a")]
)
def test_neither_a_relative_path_nor_a_volume_makes_another_store(
    store: str, mirrors: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    settings = config.check({"IMAGES_STORE": store.format(tmp_path), "IMAGES_MIRRORS": mirrors.format(tmp_path)})
    with pytest.raises(UsageError, match="IMAGES_MIRRORS"):
        make_mirrors(settings)


@pytest.mark.parametrize("mirrors", ["ftp://host/images", "mirror s3://", "s3://key:secret@bucket"])
def test_what_is_no_store_is_refused_at_start(mirrors: str):
    with pytest.raises(UsageError, match="IMAGES_MIRRORS"):
        config.check({"IMAGES_MIRRORS": mirrors})


def test_mirrors_are_separated_by_blanks_and_volumes_of_one_by_commas():
    settings = config.check({"IMAGES_MIRRORS": " one,two\n three "})
    here = Path.cwd()
    assert [mirror.name for mirror in make_mirrors(settings)] == [f"{here}/one,{here}/two", f"{here}/three"]


def test_the_folder_of_a_mirror_is_not_made_where_its_disk_is_not_mounted(tmp_path: Path):
    (mirror,) = make_mirrors(config.check({"IMAGES_MIRRORS": str(tmp_path / "mirror")}))
    with pytest.raises(StoreError, match="is its disk mounted"):
        open_mirror(mirror)
    assert [*tmp_path.iterdir()] == []
