"""What is particular to backups of SQLite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from image_spider.catalog.backups.backups import Backups
from image_spider.catalog.catalog import Catalog
from image_spider.exceptions import BackupError
from tests.integration.backups.test_backups import images, silent, write
from tests.project import ROOT


@pytest.fixture
def catalog_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/catalog.sqlite3"


@pytest.fixture
def file(tmp_path: Path, catalog: Catalog, backups: Backups) -> Path:
    """A catalog of three images, whose only backup has two, closed."""
    write(catalog, 1, 2)
    backups.make(tell=silent)
    write(catalog, 3)
    catalog.close()
    return tmp_path / "catalog.sqlite3"


def test_a_kill_at_any_moment_of_a_restore_leaves_the_old_catalog_or_the_new(file: Path, backups: Backups):
    (backup,) = backups.list()
    command = [sys.executable, "-m", "tests.integration.backups.killed_restore", file, backup.folder.parent, backup.id]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    attempts = [json.loads(line) for line in done.stdout.splitlines()]
    assert {attempt["state"] for attempt in attempts} == {"ok"}
    found = [attempt["images"] for attempt in attempts]
    assert found == sorted(found, reverse=True)  # once it is the new one it stays so
    assert set(found) == {3, 2}
    assert len(found) > 20


def test_a_damaged_catalog_is_replaced_with_force_and_kept(catalog_url: str, file: Path, backups: Backups):
    (backup,) = backups.list()
    file.write_bytes(b"x" * 8192)
    Path(f"{file}-wal").write_bytes(b"y" * 4096)
    with pytest.raises(BackupError, match=r"is damaged: file is not a database\. --force"):
        backups.restore(backup.id, force=False, tell=silent)
    kept = backups.restore(backup.id, force=True, tell=silent).kept
    assert images(catalog_url) == 2
    assert Path(kept).read_bytes() == b"x" * 8192


def test_a_catalog_that_is_gone_comes_back(catalog_url: str, file: Path, backups: Backups):
    (backup,) = backups.list()
    file.unlink()
    assert backups.restore(backup.id, force=False, tell=silent).kept == ""
    assert images(catalog_url) == 2


def test_a_catalog_that_a_crawl_has_open_is_not_replaced_even_with_force(
    catalog_url: str, catalog: Catalog, file: Path, backups: Backups
):
    (backup,) = backups.list()
    with catalog.reading() as connection:
        connection.exec_driver_sql("select 1 from images")
        with pytest.raises(BackupError, match=r"another process has the catalog .* open"):
            backups.restore(backup.id, force=True, tell=silent)
    write(catalog, 4)
    assert images(catalog_url) == 4
    assert not list(file.parent.glob("*.restoring*"))


def test_a_catalog_that_is_not_there_cannot_be_backed_up(tmp_path: Path):
    backups = Backups(f"sqlite:///{tmp_path}/none.sqlite3", folder=tmp_path / "backups")
    with pytest.raises(BackupError, match="there is no catalog"):
        backups.make(tell=silent)
    assert backups.list() == []
