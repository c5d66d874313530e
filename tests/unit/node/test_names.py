from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
from scrapyd.exceptions import DirectoryTraversalError, ProjectNotFoundError
from twisted.web.error import Error

from image_spider_node.answers import answer_of
from image_spider_node.database import Database
from image_spider_node.errors import Refused
from image_spider_node.names import check_job, check_project, check_version


@pytest.mark.parametrize("name", ["images", "a", "2026-11-20T10_00_00.1", "x" * 100, "6487ec79947edab3"])
def test_usual_names_are_taken(name: str):
    check_project(name)
    check_job(name)
    check_version(name)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".git", "-rf", "a b", "a\n", "a\0", "ä", "x" * 300])
def test_a_name_that_is_no_plain_part_of_a_path_is_refused(name: str):
    for check in (check_project, check_job):
        with pytest.raises(Refused) as refused:
            check(name)
        assert refused.value.status == 400


def test_a_version_may_be_what_git_describes_and_must_be_readable():
    check_version("1.2-5-gdeadbee (main)/ä")
    for version in ("", "  ", "1\n2", "1\0", "x" * 201):
        with pytest.raises(Refused):
            check_version(version)


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (Refused(409, "it runs"), 409, "it runs"),
        (Error(200, b"project 'x' not found"), 404, "project 'x' not found"),
        (Error(200, b"'job' parameter is required"), 400, "'job' parameter is required"),
        (Error(503, b"later"), 503, "later"),
        (ProjectNotFoundError("p"), 404, "p"),
        (DirectoryTraversalError("../x"), 400, "'../x' leads out of the node's folders"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "disk is full"),
        (OSError(errno.EACCES, "Permission denied"), 500, "Permission denied"),
        (ZeroDivisionError("oh"), 500, "ZeroDivisionError: oh"),
    ],
)
def test_an_error_has_its_http_status_and_words(failure: Exception, status: int, words: str):
    assert answer_of(failure)[0] == status
    assert words in answer_of(failure)[1]


def test_a_database_that_another_one_has_locked_is_a_matter_of_trying_again(tmp_path: Path):
    database = Database(tmp_path / "node.sqlite3", busy_seconds=0)
    database.create()
    with database.writing(), pytest.raises(sqlite3.OperationalError) as locked, database.writing():
        pass
    assert answer_of(locked.value)[0] == 503


def test_a_database_without_room_is_a_full_disk():
    connection = sqlite3.connect(":memory:")
    connection.executescript("CREATE TABLE t (x); PRAGMA max_page_count = 2;")
    with pytest.raises(sqlite3.OperationalError) as full:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    assert answer_of(full.value)[0] == 507
