"""`scrapy catalog` as it is typed: help, exit codes and what it prints."""

from __future__ import annotations

import pytest

from image_spider.commands.catalog import Command
from tests.project import Project


def run(project: Project, *words: str) -> tuple[int, str]:
    done = project.run("catalog", *words)
    return done.returncode, done.stdout + done.stderr


def test_help_is_that_of_the_action_named(project: Project):
    code, shown = run(project, "--help")
    assert code == 0
    assert all(name in shown for name in Command.ACTIONS)
    code, shown = run(project, "restore", "--help")
    assert code == 0
    assert "usage: scrapy catalog restore [-h] [--force] ID" in shown


@pytest.mark.parametrize("words", [(), ("nonsense",), ("restore",), ("backup", "--nonsense"), ("backup", "more")])
def test_wrong_usage_is_told_and_does_nothing(project: Project, words: tuple[str, ...]):
    code, shown = run(project, *words)
    assert code == 2
    assert "error: " in shown
    assert not project.data.exists()


def test_backups_from_the_first_to_the_last(project: Project):
    assert run(project, "backups") == (0, "there are no backups in data/backups\n")
    code, shown = run(project, "backup")
    assert code == 1
    assert "there is no catalog data/catalog.sqlite3 yet" in shown
    assert run(project, "upgrade")[0] == 0
    assert run(project, "backup")[0] == 0
    code, shown = run(project, "backup", "--keep", "1")
    first, second = shown.splitlines()
    assert code == 0
    assert second.startswith("deleted backup ")
    backup_id = first.split()[1].rstrip(":")
    assert run(project, "-s", "BACKUPS_KEEP=1", "backup", "-s", "BACKUPS_DIR=elsewhere")[0] == 0
    assert len(list((project.folder / "elsewhere").glob("2*"))) == 1
    code, shown = run(project, "backups")
    assert code == 0
    assert backup_id in shown
    assert "good" in shown
    assert run(project, "verify", backup_id)[0] == 0
    code, shown = run(project, "restore", backup_id)
    assert code == 0
    assert "the one of before is kept as data/catalog.sqlite3.before-" in shown
    (project.data / "backups" / backup_id / "catalog.sqlite3").write_bytes(b"")
    assert run(project, "backups")[0] == run(project, "verify", backup_id)[0] == 1
    assert run(project, "check")[0] == 0
