from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from image_spider_node import validation
from image_spider_node.database import Database
from image_spider_node.eggs import Eggs, EggVersion
from image_spider_node.errors import Refused
from image_spider_node.jobs import Jobs, Start
from image_spider_node.validation import write_archive
from tests.eggs import make_egg


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "node.sqlite3")
    database.create()
    return database


@pytest.fixture
def eggs(tmp_path: Path, database: Database) -> Eggs:
    return Eggs(folder=tmp_path / "eggs", database=database)


def take(eggs: Eggs, version: str, *, content: bytes | None = None, project: str = "p") -> EggVersion:
    archive = write_archive(content or make_egg(version=version), incoming=eggs.incoming)
    return eggs.take(archive.path, project=project, version=version, sha256=archive.sha256, spiders=["waits"])


def names(eggs: Eggs) -> list[str]:
    return [egg.version for egg in eggs.versions("p")]


def test_an_egg_is_kept_under_its_hash(eggs: Eggs):
    content = make_egg()
    egg = take(eggs, "1.0", content=content)
    assert egg.path == eggs.folder / "p" / f"{hashlib.sha256(content).hexdigest()}.egg"
    assert egg.path.read_bytes() == content
    assert list(eggs.incoming.iterdir()) == []


def test_the_current_version_is_the_one_activated_last(eggs: Eggs):
    for version in ("9", "10", "1"):
        take(eggs, version)
    assert (names(eggs), eggs.get("p").version) == (["9", "10", "1"], "1")
    eggs.activate("p", "9")
    assert (names(eggs), eggs.get("p").version) == (["10", "1", "9"], "9")
    take(eggs, "10")
    assert names(eggs) == ["1", "9", "10"]
    eggs.delete("p", "10")
    assert eggs.get("p").version == "9"


def test_versions_whose_names_stock_scrapyd_confuses_are_two(eggs: Eggs):
    take(eggs, "1.0")
    take(eggs, "1_0")
    assert eggs.get("p", "1.0").sha256 != eggs.get("p", "1_0").sha256


def test_a_version_that_is_uploaded_again_with_other_bytes_is_replaced(eggs: Eggs):
    first = take(eggs, "1")
    second = take(eggs, "1", content=make_egg(spider="other"))
    assert [egg.sha256 for egg in eggs.versions("p")] == [second.sha256]
    assert eggs.sweep() == [first.path]
    assert second.path.exists()


def test_an_egg_stays_as_long_as_a_job_runs_from_it(eggs: Eggs, database: Database):
    egg, jobs = take(eggs, "1"), Jobs(database)
    start = Start(project="p", spider="s", job="1", token="t", log=None, version="1", egg_sha256=egg.sha256)
    assert jobs.start(start, message={})
    eggs.delete("p")
    assert eggs.sweep() == []
    jobs.end("p", "1", exit_status=0)
    assert eggs.sweep() == [egg.path]


def test_what_is_not_there_is_refused_with_its_name(eggs: Eggs):
    with pytest.raises(Refused, match="project 'p' not found"):
        eggs.get("p")
    take(eggs, "1")
    for call in (eggs.get, eggs.activate, eggs.delete):
        with pytest.raises(Refused, match="version '2' not found") as refused:
            call("p", "2")
        assert refused.value.status == 404


def test_a_check_that_a_daemon_did_not_finish_leaves_nothing(eggs: Eggs):
    write_archive(make_egg(), incoming=eggs.incoming)
    eggs.clear_incoming()
    assert list(eggs.incoming.iterdir()) == []
    assert eggs.sweep() == []


def test_an_egg_that_would_unpack_to_more_than_any_project_has_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(validation, "UNPACKED_BYTES", 50)
    with pytest.raises(Refused, match="bomb"):
        validation.write_archive(make_egg(), incoming=tmp_path)
    assert list(tmp_path.iterdir()) == []
