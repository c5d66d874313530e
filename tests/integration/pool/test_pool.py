"""The pool on real servers: who is found, what is checked, what is cut."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from image_spider.catalog.pool.pool import Pool
from image_spider.exceptions import (
    CatalogBusy,
    CatalogError,
    CatalogRefused,
    CommitUnknown,
    ConflictingPrimaries,
    FailoverInProgress,
    NoPrimary,
    StatementTooLong,
)
from tests.postgres import PostgresPair, PostgresServer
from tests.servers import free_port, running
from tests.tcp_proxy import ProxyThread, TcpProxy
from tests.waiting import wait_until


@contextmanager
def pool_of(url: str, **options: Any) -> Iterator[Pool]:
    pool = Pool(url, **options)
    try:
        yield pool
    finally:
        pool.close()


def ask(pool: Pool, question: str, **options: Any) -> Any:
    with pool.connection(**options) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone() if cursor.description else None


def port(pool: Pool, **options: Any) -> int:
    return int(ask(pool, "select current_setting('port')", **options)[0])


def test_writers_get_the_primary_and_readers_the_standby(pair: PostgresPair):
    with pool_of(pair.url) as pool:
        assert pool.primary().port == pair.primary.port == port(pool)
        assert [(node.role, node.lag_bytes) for node in pool.nodes()] == [("primary", None), ("standby", 0)]
        assert port(pool, readonly=True) == pair.standby.port


def test_readers_get_the_primary_when_the_standby_is_behind(pair: PostgresPair):
    pair.standby.ask("select pg_wal_replay_pause()")
    pair.primary.ask("set synchronous_commit = local; create table seen (id int)")
    wait_until(lambda: pair.standby.ask("select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()") == (True,))
    with pool_of(pair.url, lag_seconds=0) as pool:
        assert port(pool, readonly=True) == pair.primary.port


def test_a_promotion_is_followed_and_who_waits_for_the_old_primary_is_let_go(pair: PostgresPair):
    def wait_for_a_frozen_server() -> None:
        with pool.connection() as connection, connection.cursor() as cursor:
            pair.primary.freeze()
            _later(pair.promote, lambda: pool.failed(TimeoutError()))
            cursor.execute("select 1")  # without the promotion this lasts a minute

    with pool_of(pair.url) as pool:
        with pytest.raises(FailoverInProgress):
            wait_for_a_frozen_server()
        assert port(pool) == pair.standby.port
        assert pool.primary().timeline == 2


def test_the_old_primary_that_comes_back_is_not_written_to(pair: PostgresPair):
    with pool_of(pair.url) as pool:
        assert port(pool) == pair.primary.port
        pair.primary.freeze()
        pair.promote()
        pool.failed(TimeoutError())
        wait_until(lambda: pool.primary().port == pair.standby.port)
        pair.primary.thaw()
        pool.failed(TimeoutError())
        wait_until(lambda: all(node.writable for node in pool.nodes()))
        assert port(pool) == pair.standby.port


def test_two_primaries_on_one_timeline_are_refused(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("twins")
    for name in ("one", "other"):
        (folder / name).mkdir()
    one, other = PostgresServer(folder / "one"), PostgresServer(folder / "other")
    with running(one):
        other.copy_from(one, streaming=False)
        with running(other), pool_of(f"{one.url.removesuffix('/postgres')},127.0.0.1:{other.port}/postgres") as pool:
            with pytest.raises(ConflictingPrimaries, match="several servers take writes on one timeline"):
                port(pool, seconds=1)
            other.stop()
            assert port(pool, seconds=10) == one.port


def test_servers_of_two_clusters_are_refused(postgres: PostgresServer, pair: PostgresPair):
    url = f"{postgres.url.removesuffix('/postgres')},127.0.0.1:{pair.standby.port}/postgres"
    with pool_of(url) as pool, pytest.raises(ConflictingPrimaries, match="different clusters"):
        port(pool, seconds=1)


def test_no_server_at_all_is_told_with_the_reasons():
    gone = free_port()
    with pool_of(f"postgresql://postgres@127.0.0.1:{gone}/postgres") as pool:
        with pytest.raises(NoPrimary, match=rf"127.0.0.1:{gone} is unreachable \(.*refused"):
            pool.primary(seconds=0.5)
        assert [node.state for node in pool.nodes()] == ["unreachable"]


def test_a_wrong_database_is_told_at_once(postgres: PostgresServer):
    started = time.monotonic()
    refused = pytest.raises(CatalogRefused, match='database "nothing" does not exist')
    with pool_of(postgres.url.removesuffix("postgres") + "nothing") as pool, refused:
        pool.primary(seconds=60)
    assert time.monotonic() - started < 10


def test_a_statement_is_cut_on_a_server_that_freezes(postgres_url: str, postgres: PostgresServer):
    def ask_a_frozen_backend() -> None:
        with pool.connection() as connection, connection.cursor() as cursor:
            (process,) = [one for one in postgres.processes() if one.pid == connection.info.backend_pid]
            process.suspend()
            try:
                cursor.execute("select 1")
            finally:
                process.resume()

    with pool_of(postgres_url, statement_seconds=0.5) as pool:
        started = time.monotonic()
        with pytest.raises(StatementTooLong, match=r"CATALOG_STATEMENT_SECONDS \(0.5\)"):  # the server itself is well
            ask_a_frozen_backend()
        assert 0.5 <= time.monotonic() - started < 5
        assert port(pool) == postgres.port


def test_a_writer_that_freezes_keeps_its_locks_for_30_seconds_unless_the_url_says_otherwise(postgres_url: str):
    with pool_of(postgres_url) as pool:
        assert ask(pool, "show idle_in_transaction_session_timeout") == ("30s",)
        assert ask(pool, "show idle_in_transaction_session_timeout", readonly=True) == ("0",)
    with pool_of(f"{postgres_url}?options=-c%20idle_in_transaction_session_timeout%3D3s") as pool:
        assert ask(pool, "show idle_in_transaction_session_timeout") == ("3s",)


def test_a_statement_that_was_cut_does_not_stay_in_the_queue_for_a_lock(postgres_url: str, postgres: PostgresServer):
    with pool_of(postgres_url) as holder, holder.connection() as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(7)")
        patient = f"{postgres_url}?options=-c%20lock_timeout%3D0"
        with pool_of(patient, statement_seconds=0.5) as pool, pytest.raises(StatementTooLong):
            ask(pool, "select pg_advisory_xact_lock(7) /* waits */")
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%/* waits */'"
        wait_until(lambda: postgres.ask(waiting) is None, seconds=20)


def test_a_connection_that_was_ended_while_idle_is_not_lent(postgres_url: str, postgres: PostgresServer):
    with pool_of(postgres_url) as pool:
        for _ in range(5):
            with pool.connection() as connection:
                backend = connection.info.backend_pid
            assert postgres.ask(f"select pg_terminate_backend({backend}, 10000)") == (True,)
            assert port(pool) == postgres.port


def test_a_connection_that_vanishes_during_commit_leaves_it_unknown(postgres_url: str, postgres: PostgresServer):
    def lose_the_answer() -> None:
        with pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute("insert into seen values (1)")
            proxy.do(TcpProxy.drop_replies)
            _later(committed, lambda: proxy.do(TcpProxy.cut))

    def committed() -> None:
        wait_until(lambda: postgres.ask("select 1 from seen"))

    proxy = ProxyThread(target=postgres.port)
    postgres.ask("create table if not exists seen (id int)")
    try:
        url = postgres.url.replace(str(postgres.port), str(proxy.port))
        with pool_of(url) as pool, pytest.raises(CommitUnknown):
            lose_the_answer()
        assert postgres.ask("select count(*) from seen") == (1,)
    finally:
        proxy.close()
        postgres.ask("drop table seen")


def _later(*steps: Callable[[], Any]) -> None:
    Thread(target=lambda: [step() for step in steps], daemon=True).start()


def test_a_commit_that_no_standby_confirmed_is_unknown(pair: PostgresPair):
    def commit_alone() -> None:
        with pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute("insert into seen values (1)")
            backend = connection.info.backend_pid
            _later(lambda: _cancel_wait(pair.primary, backend))

    with pool_of(pair.url) as pool:
        ask(pool, "create table seen (id int)")
        pair.standby.freeze()
        with pytest.raises(CommitUnknown, match="synchronous replication"):
            commit_alone()
        pair.standby.thaw()


def test_what_a_server_logs_during_a_commit_leaves_no_doubt(postgres_url: str):
    database = postgres_url.rpartition("/")[2]
    talk = f"""
        create table seen (id int);
        create function talk() returns trigger language plpgsql as
            'begin raise log ''hello''; raise notice ''hello''; return null; end';
        create constraint trigger talks after insert on seen deferrable initially deferred
            for each row execute function talk();
        alter database {database} set client_min_messages = debug1
    """
    with pool_of(postgres_url) as pool:
        ask(pool, talk)
    with pool_of(postgres_url) as pool:
        ask(pool, "insert into seen values (1)")
        assert ask(pool, "select count(*) from seen") == (1,)


def _cancel_wait(server: PostgresServer, backend: int) -> None:
    wait_until(lambda: server.ask(f"select 1 from pg_stat_activity where pid = {backend} and wait_event = 'SyncRep'"))
    server.ask(f"select pg_cancel_backend({backend})")


def test_errors_of_the_work_itself_stay_what_they_are(postgres_url: str):
    with pool_of(postgres_url) as pool:
        with pytest.raises(CatalogError, match="division by zero") as failed:
            ask(pool, "select 1 / 0")
        assert type(failed.value) is CatalogError
        with pytest.raises(CatalogBusy, match="statement timeout"):
            ask(pool, "set local statement_timeout = 1; select pg_sleep(1)")


def test_a_session_that_turned_read_only_is_not_lent(postgres_url: str):
    with pool_of(postgres_url) as pool:
        with pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = on")
            backend = connection.info.backend_pid
        assert ask(pool, "select pg_backend_pid()") != (backend,)


def test_nothing_runs_before_the_first_call():
    pool = Pool("postgresql://postgres@127.0.0.1:1/postgres", statement_seconds=math.inf)
    pool.close()


def test_a_patroni_that_does_not_answer_is_an_alarm_and_no_outage(postgres_url: str, caplog: pytest.LogCaptureFixture):
    nobody = f"http://127.0.0.1:{free_port()}"
    with pool_of(postgres_url, patroni_urls=[nobody]) as pool:
        assert ask(pool, "select 1") == (1,)
    assert f"no Patroni answers: {nobody}" in caplog.text
