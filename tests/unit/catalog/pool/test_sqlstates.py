"""What an error of PostgreSQL means for work that may be run again."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import errors

from image_spider.catalog.pool.sqlstates import UncertainCommit, Verdict, verdict


@pytest.mark.parametrize(
    ("code", "judged"),
    [
        ("25006", Verdict.REROUTE),  # read_only_sql_transaction
        ("57P01", Verdict.REROUTE),  # admin_shutdown
        ("57P02", Verdict.REROUTE),  # crash_shutdown
        ("57P03", Verdict.REROUTE),  # cannot_connect_now
        ("57P05", Verdict.REROUTE),  # idle_session_timeout
        ("25P03", Verdict.REROUTE),  # idle_in_transaction_session_timeout
        ("08006", Verdict.REROUTE),  # connection_failure
        ("40001", Verdict.RETRY),  # serialization_failure
        ("40P01", Verdict.RETRY),  # deadlock_detected
        ("40003", Verdict.UNKNOWN_COMMIT),  # statement_completion_unknown
        ("55P03", Verdict.RETRY),  # lock_not_available
        ("57014", Verdict.RETRY),  # query_canceled
        ("53100", Verdict.RETRY),  # disk_full
        ("53300", Verdict.RETRY),  # too_many_connections
        ("28P01", Verdict.CONFIGURATION),  # invalid_password
        ("3D000", Verdict.CONFIGURATION),  # invalid_catalog_name
        ("42501", Verdict.CONFIGURATION),  # insufficient_privilege
        ("23505", Verdict.DATA),  # unique_violation
        ("22021", Verdict.DATA),  # character_not_in_repertoire
        ("42P01", Verdict.DATA),  # undefined_table
        ("25P02", Verdict.DATA),  # in_failed_sql_transaction
    ],
)
def test_the_code_decides(code: str, judged: Verdict):
    assert verdict(_error(code)) is judged


def _error(code: str) -> psycopg2.Error:
    try:
        kind = errors.lookup(code)
    except KeyError:
        kind = psycopg2.OperationalError
    error = kind()
    error.__setstate__({"pgcode": code})
    return error


@pytest.mark.parametrize("kind", [psycopg2.OperationalError, psycopg2.InterfaceError])
def test_an_error_without_a_code_means_that_the_server_is_lost(kind: type[psycopg2.Error]):
    assert verdict(kind("server closed the connection unexpectedly")) is Verdict.REROUTE


def test_a_mistake_of_ours_has_no_code_either():
    assert verdict(psycopg2.ProgrammingError("no results to fetch")) is Verdict.DATA


def test_a_commit_that_is_not_sure_is_unknown():
    assert verdict(UncertainCommit("lost during COMMIT")) is Verdict.UNKNOWN_COMMIT
