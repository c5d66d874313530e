"""Many rows written by one statement, new or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table, Text, bindparam, case, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    rows: Iterable[dict[str, Any]],
    updated: Sequence[str],
    *,
    greatest: Sequence[str] = (),
    unless_null: Sequence[str] = (),
) -> None:
    """Insert rows; of those that are there, update some columns, others only by a greater value or one not null."""
    # One statement may not touch a row twice; sorted, two writers take row locks in the same order.
    identifiers = list(table.primary_key)
    unique = {tuple(row[column.name] for column in identifiers): row for row in rows}
    if not unique:
        return
    ordered = [unique[key] for key in sorted(unique)]
    statement = _statement(connection.dialect.name, table, (*updated,), (*greatest,), (*unless_null,))
    connection.execute(statement, {"rows": _document(ordered)} if connection.dialect.name == "postgresql" else ordered)


@cache  # making a statement costs more than running it
def _statement(
    dialect: str, table: Table, updated: tuple[str, ...], greatest: tuple[str, ...], unless_null: tuple[str, ...]
) -> Insert:
    """Return the upsert: of a row on SQLite, on PostgreSQL of all the rows of one JSON document (decision 0014)."""
    if dialect == "postgresql":
        document = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), bindparam("rows", type_=Text))
        rows = document.table_valued(*table.columns.keys(), name="rows")
        insert: postgresql.Insert | sqlite.Insert = postgresql.insert(table).from_select(
            rows.columns.keys(), select(*rows.columns)
        )
    else:
        insert = sqlite.insert(table)
    new = insert.excluded
    values: dict[str, ColumnElement[Any]] = {name: new[name] for name in updated}
    values |= {name: case((new[name] > table.c[name], new[name]), else_=table.c[name]) for name in greatest}
    values |= {name: func.coalesce(new[name], table.c[name]) for name in unless_null}
    statement: Insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    return statement


def _document(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, default=_moment, ensure_ascii=False)


@lru_cache(maxsize=1024)  # the items of a page share theirs
def _moment(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"{value!r} has no place in a row")
    return value.isoformat()
