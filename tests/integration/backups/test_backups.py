"""What backups of both databases have in common."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from image_spider.catalog import schema
from image_spider.catalog.backups.backups import Backups
from image_spider.catalog.backups.folder import Backup
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from image_spider.exceptions import BackupError
from tests.samples import a_page_failure, a_picture, an_item


def silent(_: str) -> None:
    """Tell nobody."""


def write(catalog: Catalog, *numbers: int) -> None:
    items = [an_item(f"https://example.com/{number}", image=a_picture(number, number)) for number in numbers]
    catalog.transaction(lambda connection: write_items(connection, [*items, a_page_failure()]))


def images(url: str) -> int:
    with Catalog(url) as catalog, catalog.reading() as connection:
        return len(connection.execute(select(schema.images.c.sha256)).all())


def rewrite(backup: Backup, **changes: object) -> None:
    """Change the manifest of a backup."""
    assert backup.manifest
    (backup.folder / "manifest.json").write_text(replace(backup.manifest, **changes).to_json())  # type: ignore[arg-type]


def test_a_backup_tells_what_it_holds(catalog: Catalog, backups: Backups, tmp_path: Path):
    write(catalog, 1, 2)
    made = backups.make(tell=silent)
    assert made.manifest
    assert made.manifest.rows == {"copies": 0, "crawls": 0, "failures": 1, "images": 2, "sightings": 2, "topics": 0}
    assert made.manifest.catalog == catalog.name
    assert made.manifest.revision
    assert backups.list() == [made]
    assert sorted(path.name for path in made.folder.iterdir()) == [made.manifest.file, "manifest.json"]
    assert backups.verify(made.id, tell=silent) == made.manifest
    assert json.loads((made.folder / "manifest.json").read_text())["bytes"] == made.file.stat().st_size


def test_a_backup_put_back_is_the_catalog_of_then(catalog_url: str, catalog: Catalog, backups: Backups):
    write(catalog, 1, 2)
    made = backups.make(tell=silent)
    write(catalog, 3)
    catalog.transaction(lambda connection: connection.execute(delete(schema.failures)))
    catalog.close()
    with pytest.raises(BackupError, match=r"is not empty \(3 images, 3 sightings\): --force"):
        backups.restore(made.id, force=False, tell=silent)
    assert images(catalog_url) == 3
    kept = backups.restore(made.id, force=True, tell=silent).kept
    assert images(catalog_url) == 2
    address = catalog_url.rpartition("/")[0] + "/" if "postgresql" in catalog_url else "sqlite:///"
    assert images(address + kept) == 3
    write(catalog, 4)
    assert images(catalog_url) == 3


def test_an_empty_catalog_is_replaced_without_force(catalog_url: str, catalog: Catalog, backups: Backups):
    write(catalog, 1)
    made = backups.make(tell=silent)
    for table in reversed(schema.metadata.sorted_tables):
        catalog.transaction(lambda connection, table=table: connection.execute(delete(table)))
    with pytest.raises(BackupError, match=r"open|sessions"):  # this test's own connection may yet write
        backups.restore(made.id, force=False, tell=silent)
    catalog.close()
    backups.restore(made.id, force=False, tell=silent)
    assert images(catalog_url) == 1


def test_a_backup_shows_one_moment_while_others_write(catalog: Catalog, backups: Backups):
    write(catalog, *range(50))
    ended = threading.Event()

    def keep_writing() -> None:
        number = 50
        while not ended.is_set():
            write(catalog, number)
            number += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        made = [backups.make(tell=silent) for _ in range(3)]
    finally:
        ended.set()
        writer.join()
    for backup in made:
        rows = backups.verify(backup.id, tell=silent).rows
        assert rows["images"] == rows["sightings"] >= 50


def test_only_good_backups_of_this_catalog_count_and_go(catalog: Catalog, backups: Backups):
    made = [backups.make(tell=silent) for _ in range(5)]
    assert len({backup.id for backup in made}) == 5
    oldest, of_another, damaged, _, newest = made
    rewrite(of_another, catalog="sqlite:///elsewhere")
    damaged.file.unlink()
    assert backups.prune(keep=2) == [oldest.id]
    assert backups.prune(keep=1) == [made[3].id]
    assert backups.prune(keep=1) == []
    assert [backup.id for backup in backups.list()] == [newest.id, damaged.id, of_another.id]


def test_damaged_and_missing_files_are_named(catalog: Catalog, backups: Backups):
    made = [backups.make(tell=silent) for _ in range(5)]
    missing, short, torn, lost, whole = made
    missing.file.unlink()
    short.file.write_bytes(short.file.read_bytes()[:-1])
    (torn.folder / "manifest.json").write_text('{"id":')
    (lost.folder / "manifest.json").unlink()
    problems = {backup.id: backup.problem for backup in backups.list()}
    assert problems[missing.id] == f"{missing.file.name} is missing"
    assert "bytes instead of" in problems[short.id]
    assert problems[torn.id].startswith("its manifest cannot be read")
    assert problems[lost.id] == "manifest.json is missing"
    assert problems[whole.id] == ""
    for backup in (missing, short, torn, lost):
        with pytest.raises(BackupError, match=f"{backup.id} is damaged: "):
            backups.verify(backup.id, tell=silent)
    with pytest.raises(BackupError, match="there is no backup 'x'"):
        backups.verify("x", tell=silent)


def assert_refused(backups: Backups, backup_id: str, reason: str) -> None:
    """It is neither called good nor put back."""
    with pytest.raises(BackupError, match=reason):
        backups.verify(backup_id, tell=silent)
    with pytest.raises(BackupError, match=reason):
        backups.restore(backup_id, force=True, tell=silent)


@pytest.mark.parametrize("place", [0.05, 0.5, 0.95])
def test_a_changed_byte_is_found_and_the_catalog_stays(
    catalog_url: str, catalog: Catalog, backups: Backups, place: float
):
    write(catalog, *range(20))
    made = backups.make(tell=silent)
    write(catalog, 20)
    catalog.close()
    data = bytearray(made.file.read_bytes())
    data[int(len(data) * place)] ^= 1
    made.file.write_bytes(data)
    assert_refused(backups, made.id, "SHA-256")
    assert images(catalog_url) == 21


def test_a_backup_that_holds_other_rows_than_it_says_is_not_put_back(
    catalog_url: str, catalog: Catalog, backups: Backups
):
    write(catalog, 1, 2)
    made = backups.make(tell=silent)
    assert made.manifest
    rewrite(made, rows=made.manifest.rows | {"images": 3})
    catalog.close()
    assert_refused(backups, made.id, "images: 2 rows instead of 3")
    assert images(catalog_url) == 2


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(catalog_url: str, catalog: Catalog, tmp_path: Path):
    (tmp_path / "file").touch()
    backups = Backups(catalog_url, folder=tmp_path / "file/backups")
    with pytest.raises(BackupError, match=r"cannot write to the backups in .*: Not a directory\. .* set BACKUPS_DIR"):
        backups.make(tell=silent)


def test_what_is_interrupted_leaves_nothing_and_what_was_killed_is_removed(
    catalog: Catalog, backups: Backups, tmp_path: Path
):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backups.make(tell=interrupt)
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [".lock"]
    made = backups.make(tell=silent)
    shutil.copytree(made.folder, tmp_path / "backups/.partial-killed")
    assert backups.list() == [made]
    backups.verify(made.id, tell=silent)
    assert not (tmp_path / "backups/.partial-killed").exists()


def test_only_one_works_in_a_folder_at_a_time(catalog: Catalog, catalog_url: str, backups: Backups, tmp_path: Path):
    refused: list[str] = []

    def begin_another(_: str) -> None:
        try:
            Backups(catalog_url, folder=tmp_path / "backups").make(tell=silent)
        except BackupError as error:
            refused.append(str(error))

    backups.make(tell=begin_another)
    assert refused
    assert "another backup or restore is using" in refused[0]


def test_a_backup_of_the_other_database_is_refused(catalog: Catalog, backups: Backups):
    made = backups.make(tell=silent)
    assert made.manifest
    other = "sqlite" if made.manifest.kind == "postgresql" else "postgresql"
    shutil.copy(made.file, made.folder / {"sqlite": "catalog.sqlite3", "postgresql": "catalog.dump"}[other])
    rewrite(made, kind=other)
    with pytest.raises(BackupError, match=f"is one of {other}.*set DATABASE_URL"):
        backups.verify(made.id, tell=silent)
