"""Measure how right the image analysis is: `make accuracy`, or `python -m benchmarks.accuracy --cache DIR`.

Fetches its material (about 1.3 GB of Debian packages) into DIR on the first run, prints every table and writes them
into docs/accuracy.md. Needs apt-get and dpkg. Half an hour on one core.
"""

from __future__ import annotations

import argparse
import time
import warnings
from functools import cache
from pathlib import Path

from benchmarks.accuracy.flags import measure_flags
from benchmarks.accuracy.kinds import measure_kinds
from benchmarks.accuracy.material import Labelled, fetch, labelled_files
from benchmarks.accuracy.near_duplicates import measure_near_duplicates
from benchmarks.accuracy.reading import Reading, read
from benchmarks.accuracy.stages import measure_stages
from benchmarks.accuracy.tables import Table, write_tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"
PARTS = ("stages", "kinds", "near-duplicates", "flags")


def main() -> None:
    """Run the asked parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where packages are kept between runs")
    parser.add_argument("--only", choices=PARTS, action="append", help="run this part only (may be repeated)")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="where the tables are written")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = arguments.only or PARTS
    started = time.monotonic()
    fetch(arguments.cache)
    files = labelled_files(arguments.cache)
    print(f"{len(files)} labelled files, {time.monotonic() - started:.0f} s")

    @cache
    def readings() -> list[tuple[Labelled, Reading]]:
        return [(file, read(file.path)) for file in files]

    parts = {
        "stages": lambda: measure_stages(files),
        "kinds": lambda: measure_kinds(readings()),
        "near-duplicates": lambda: measure_near_duplicates(files, readings()),
        "flags": lambda: measure_flags(files),
    }
    for part in wanted:
        _report(parts[part](), arguments.document)
        print(f"{part}: done after {time.monotonic() - started:.0f} s")


def _report(tables: list[Table], document: Path) -> None:
    for table in tables:
        print(f"\n{table.markdown()}\n", flush=True)
    write_tables(document, tables)


if __name__ == "__main__":
    main()
