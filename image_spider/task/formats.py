"""JSON lines -> CSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from image_spider.exceptions import UsageError
from image_spider.task.records import Type

ROWS = 10_000  # of a group in a Parquet file: they are in memory


def check_format(name: str) -> None:
    """Raise UsageError for a format whose library is not installed."""
    if name == "parquet" and find_spec("pyarrow") is None:
        raise UsageError("output_config.format", name, "jsonl or csv here: Parquet needs pip install 'pyarrow>=20'")


def write_csv(lines: Path, target: Path, columns: Mapping[str, Type]) -> None:
    """Write a table with a header (RFC 4180, UTF-8); a list is JSON in its cell, null an empty cell."""
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for record in _records(lines):
            writer.writerow([_cell(record.get(name)) for name in columns])


def write_parquet(lines: Path, target: Path, columns: Mapping[str, Type]) -> None:
    """Write a Parquet file, its types those of the columns."""
    import pyarrow
    from pyarrow import parquet

    types = {
        "text": pyarrow.string(),
        "texts": pyarrow.list_(pyarrow.string()),
        "whole": pyarrow.int64(),
        "real": pyarrow.float64(),
        "time": pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    times = [name for name, kind in columns.items() if kind == "time"]
    with parquet.ParquetWriter(target, schema) as writer:
        for rows in _batches(lines):
            for row in rows:
                row.update({name: datetime.fromisoformat(row[name]) for name in times})
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _records(lines: Path) -> Iterator[dict[str, Any]]:
    with lines.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _batches(lines: Path) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for record in _records(lines):
        batch.append(record)
        if len(batch) == ROWS:
            yield batch
            batch = []
    yield batch
