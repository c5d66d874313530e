"""`scrapy catalog check` and `recover` before real servers."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.integration.backups.patroni_api import Api
from tests.postgres import PostgresPair
from tests.project import Project
from tests.servers import free_port
from tests.waiting import wait_until


def catalog(project: Project, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return project.run("catalog", *words, DATABASE_URL=url)


def rows(table: str) -> list[list[str]]:
    return [re.split(r" {2,}", line.strip()) for line in table.splitlines() if "127.0.0.1" in line]


def test_every_server_is_shown_and_a_second_primary_is_told(pair: PostgresPair, project: Project):
    assert catalog(project, pair.url, "upgrade").returncode == 0
    done = catalog(project, pair.url, "check")
    primary, standby = rows(done.stdout)
    assert done.returncode == 0, done.stdout
    assert primary[1:4] == ["yes", "primary", "yes"]
    assert standby[1:4] == ["yes", "standby", "no"]
    assert catalog(project, pair.url, "recover").stdout == "Nothing is wrong.\n"

    pair.promote()
    done = catalog(project, pair.url, "check")
    assert done.returncode == 1
    assert "2 take writes, 0 not reachable" in done.stdout
    done = catalog(project, pair.url, "recover", "--apply")
    assert done.returncode == 1
    assert f"2 servers take writes: 127.0.0.1:{pair.standby.port} (timeline 2)" in done.stdout
    assert f"pg_basebackup -h 127.0.0.1 -p {pair.standby.port} -U postgres" in done.stdout

    pair.primary.kill()
    done = catalog(project, pair.url, "check")
    assert done.returncode == 1
    assert "1 take writes, 1 not reachable" in done.stdout
    assert rows(done.stdout)[0][1] == "no: unreachable"
    done = catalog(project, pair.url, "recover")
    assert f"127.0.0.1:{pair.primary.port} does not serve (unreachable" in done.stdout


def test_a_standby_without_its_primary_and_one_that_does_not_stream(pair: PostgresPair, project: Project):
    pair.standby.ask(f"alter system set primary_conninfo = 'host=127.0.0.1 port={free_port()}'")
    pair.standby.reload()
    wait_until(lambda: pair.standby.ask("select 1 from pg_stat_wal_receiver") is None)
    done = catalog(project, pair.url, "recover")
    assert f"127.0.0.1:{pair.standby.port} is a standby and receives nothing" in done.stdout
    assert "pg_rewind --target-pgdata" in done.stdout
    pair.primary.kill()
    done = catalog(project, pair.url, "recover")
    assert "No server takes writes: " in done.stdout
    assert f"Promote 127.0.0.1:{pair.standby.port}" in done.stdout


def test_every_command_follows_patroni_when_two_servers_take_writes(pair: PostgresPair, project: Project, patroni: str):
    pair.promote()  # it has the higher timeline: without Patroni it would be taken
    pair.go_on_alone(pair.primary)
    Api.roles = {f"127.0.0.1:{pair.primary.port}": "leader"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return project.run(*words, DATABASE_URL=pair.url, PATRONI_URLS=patroni)

    for command in ("catalog upgrade", "crawls", "report", "catalog backup"):
        done = run(*command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"
    backup_id = done.stdout.split()[1].rstrip(":")
    assert "the SHA-256 of an image in the catalog" in run("similar", "0" * 64).stderr
    assert run("catalog", "restore", backup_id).returncode == 0
    restored = "select count(*) from pg_database where datname like 'postgres_before%'"
    assert pair.primary.ask(restored) == (1,)
    assert pair.standby.ask(restored) == (0,)
    assert pair.standby.ask("select to_regclass('images')") == (None,)


@pytest.mark.parametrize("words", ["reclassify", "report", "catalog upgrade"])
def test_a_command_says_for_what_it_waits_and_then_gives_up(project: Project, words: str):
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/catalog"
    done = project.run(*words.split(), DATABASE_URL=nowhere, CATALOG_RETRY_SECONDS="2")
    assert done.returncode == 1
    waiting, failed = done.stderr.splitlines()
    assert waiting.startswith("waiting up to 2 s: the catalog ")
    assert "is unreachable" in failed


def test_tables_that_are_missing_are_told(postgres_url: str, project: Project):
    done = catalog(project, postgres_url, "check")
    assert done.returncode == 0
    assert catalog(project, postgres_url, "recover").stdout == "Nothing is wrong.\n"  # the first crawl says so
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/catalog"
    assert "No server takes connections" in catalog(project, nowhere, "recover").stdout
