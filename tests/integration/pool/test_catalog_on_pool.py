"""The catalog's transactions and readings when its server goes away."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Connection

from image_spider.catalog.catalog import MOST_CUTS, Catalog
from image_spider.catalog.duplicates import lock_search
from image_spider.catalog.pool import pool
from image_spider.exceptions import CatalogBusy, CatalogError, FailoverInProgress, NoPrimary, StatementTooLong
from tests.postgres import PostgresPair, PostgresServer
from tests.tcp_proxy import ProxyThread, TcpProxy
from tests.waiting import wait_until

INSERT = "insert into seen values (1) on conflict do nothing"


def count(connection: Connection) -> int:
    return int(connection.exec_driver_sql("select count(*) from seen").scalar_one())


def test_work_whose_commit_was_not_answered_is_run_again(postgres: PostgresServer, postgres_url: str):
    proxy = ProxyThread(target=postgres.port)
    runs: list[int] = []

    def cut_when_committed(other: Catalog) -> None:
        wait_until(lambda: other.read(count) == 1)
        proxy.do(TcpProxy.cut_unanswered)

    def work(connection: Connection) -> int:
        connection.exec_driver_sql(INSERT)
        if not runs:
            proxy.do(TcpProxy.drop_replies)
            threading.Thread(target=cut_when_committed, args=(other,)).start()
        runs.append(1)
        return count(connection) if len(runs) > 1 else 0

    through_proxy = postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")
    try:
        with Catalog(postgres_url) as other, Catalog(through_proxy) as catalog:
            other.transaction(lambda connection: connection.exec_driver_sql("create table seen (id int primary key)"))
            assert catalog.transaction(work) == 1
            assert len(runs) == 2
            assert other.read(count) == 1
    finally:
        proxy.close()


def test_a_reading_that_may_lag_goes_to_the_standby(pair: PostgresPair):
    def port(connection: Connection) -> int:
        return int(connection.exec_driver_sql("show port").scalar_one())

    with Catalog(pair.url) as catalog:
        assert catalog.read(port) == pair.primary.port
        assert catalog.read(port, may_lag=True) == pair.standby.port
        with catalog.reading(may_lag=True) as connection:
            assert port(connection) == pair.standby.port


def test_an_outage_is_told_when_it_lasts_and_when_it_is_over(pair: PostgresPair):
    told: list[str] = []
    with Catalog(pair.url, retry_seconds=60) as catalog:
        catalog.on_outage(told.append)
        catalog.transaction(lambda connection: None)
        assert told == []
        pair.primary.kill()
        work = threading.Thread(target=catalog.transaction, args=(lambda connection: None,))
        work.start()
        wait_until(lambda: told)
        pair.promote()
        work.join()
    reason, end = told
    assert f"127.0.0.1:{pair.primary.port} is unreachable" in reason
    assert f"127.0.0.1:{pair.standby.port} is a standby" in reason
    assert end == ""


def test_who_gives_up_does_not_wait_any_longer(pair: PostgresPair):
    with Catalog(pair.url, retry_seconds=600) as catalog:
        catalog.transaction(lambda connection: None)
        pair.primary.kill()
        failed: list[CatalogError] = []

        def wait_in_vain() -> None:
            with pytest.raises((NoPrimary, FailoverInProgress)) as raised:
                catalog.transaction(lambda connection: connection.exec_driver_sql("select 1"))
            failed.append(raised.value)

        work = threading.Thread(target=wait_in_vain)
        work.start()
        catalog.give_up(seconds=0.5)
        work.join(20)
        assert failed


def test_work_that_has_no_room_is_tried_again_until_the_deadline(postgres_url: str):
    runs: list[Any] = []

    def work(connection: Connection) -> None:
        runs.append(connection.exec_driver_sql("do $$ begin raise exception using errcode = '53100'; end $$"))

    def note(connection: Connection) -> None:
        runs.append(None)
        work(connection)

    with Catalog(postgres_url, retry_seconds=0.5) as catalog, pytest.raises(CatalogBusy):
        catalog.transaction(note)
    assert len(runs) > 2


def test_a_statement_that_takes_too_long_on_a_server_that_is_well_is_not_repeated_for_ever(postgres_url: str):
    runs: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        connection.exec_driver_sql("select pg_sleep(60)")

    with Catalog(postgres_url, retry_seconds=math.inf, statement_seconds=0.3) as catalog:
        with pytest.raises(StatementTooLong, match=r"longer than CATALOG_STATEMENT_SECONDS \(0.3\)"):
            catalog.transaction(work)
        assert len(runs) == MOST_CUTS
        with pytest.raises(StatementTooLong):
            catalog.read(work, may_lag=True)


def test_work_that_finds_all_connections_lent_waits_for_one(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "ROOM_SECONDS", 0.1)
    told: list[str] = []

    def work(connection: Connection) -> str:
        return str(connection.exec_driver_sql("select 'done'").scalar())

    with Catalog(postgres_url, retry_seconds=60) as catalog, ThreadPoolExecutor() as threads:
        catalog.on_outage(told.append)
        with ExitStack() as lent:
            for _ in range(pool.IDLE + pool.MORE):
                lent.enter_context(catalog.reading())
            waiting = threads.submit(catalog.transaction, work)
            wait_until(lambda: told)
        assert waiting.result() == "done"
    assert "QueuePool limit" in told[0]


def test_who_waits_for_a_lock_longer_than_a_statement_may_last_is_patient(postgres_url: str):
    runs: list[int] = []
    done: list[int] = []

    def work(connection: Connection) -> None:
        runs.append(1)
        lock_search(connection)

    with Catalog(postgres_url) as other, Catalog(postgres_url, statement_seconds=0.3) as catalog:
        with other.reading() as connection:
            lock_search(connection)
            thread = threading.Thread(target=lambda: done.append(catalog.transaction(work) or 1))
            thread.start()
            wait_until(lambda: len(runs) > MOST_CUTS)
        thread.join()
    assert done


def test_a_catalog_that_must_not_wait_is_found_all_the_same(postgres_url: str):
    with Catalog(postgres_url, retry_seconds=0) as catalog:
        assert catalog.read(lambda connection: connection.exec_driver_sql("select 1").scalar()) == 1
