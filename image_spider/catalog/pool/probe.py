"""Ask one server what it is."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.connect import connect
from image_spider.catalog.pool.connection import Connection
from image_spider.catalog.pool.node import Node, Role, State

# The primary's timeline is that of the WAL it writes: right after a promotion the last checkpoint still has the old
# one. Users without special rights see of the WAL receiver only that there is one.
QUESTION = """
select not recovering as is_primary,
       not recovering and current_setting('default_transaction_read_only') = 'off' as writable,
       system_identifier::text,
       case when recovering then greatest(checkpoint_timeline, (select received_tli from pg_stat_wal_receiver))
            else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
       (case when recovering then replayed else pg_current_wal_lsn() end - '0/0')::bigint as lsn,
       case when recovering then greatest(received - replayed, 0)::bigint end as lag_bytes,
       case when recovering and received <= replayed and exists (select from pg_stat_wal_receiver) then 0
            when recovering then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
       end::float as lag_seconds,
       current_setting('server_version') as server_version
from (select pg_is_in_recovery() as recovering,
             pg_last_wal_receive_lsn() as received,
             pg_last_wal_replay_lsn() as replayed,
             (select timeline_id from pg_control_checkpoint()) as checkpoint_timeline,
             (select system_identifier from pg_control_system()) as system_identifier) as server
"""
# libpq gives no SQLSTATE for a connection that failed. These words are those of an English server; another language
# makes a wrong password look like a server that is away, with its own words in last_error.
_WORDS: dict[State, str] = {
    "full": r"too many connections|remaining connection slots|too many clients",
    "starting": r"the database system is|not accepting connections",
    "refused": (
        r"authentication failed|no password|pg_hba\.conf|does not exist|not permitted|permission denied"
        r"|certificate|SSL was required"
    ),
}


def probe(address: Address, parameters: Mapping[str, str], *, statement_seconds: float = 2.0) -> Node:
    """Connect anew and ask; never raises. parameters are libpq's, as of `parse_url`."""
    started = time.monotonic()
    try:
        with closing(connect(address, parameters)) as connection:
            connect_seconds = time.monotonic() - started
            answer = _ask(connection, statement_seconds)
    except psycopg2.Error as error:
        message = " ".join(str(error).split())
        return Node(host=address.host, port=address.port, state=state_of(message), last_error=message)
    role: Role = "primary" if answer.pop("is_primary") else "standby"
    return Node(
        host=address.host, port=address.port, state="running", role=role, connect_seconds=connect_seconds, **answer
    )


def state_of(message: str) -> State:
    """Tell from the message of a failed connection what state the server is in."""
    for state, words in _WORDS.items():
        if re.search(words, message):
            return state
    return "unreachable"


def _ask(connection: Connection, seconds: float) -> dict[str, Any]:
    """Return the answer to the question by its columns, within so many seconds even of a server that freezes."""
    connection.autocommit = True
    deadline = threading.Timer(seconds, connection.cut)
    deadline.daemon = True
    deadline.start()
    try:
        with connection.cursor() as cursor:
            cursor.execute(QUESTION)
            return dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    finally:
        deadline.cancel()
