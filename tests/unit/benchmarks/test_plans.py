from __future__ import annotations

from typing import Any

from benchmarks.plans import shortened


def an_index(partition: int, *, loops: int = 1) -> dict[str, Any]:
    return {"Node Type": "Index Only Scan", "Index Name": f"images_{partition}_pkey", "Actual Loops": loops}


def test_partitions_that_do_the_same_are_counted():
    append = {"Node Type": "Append", "Actual Loops": 1, "Plans": [an_index(0), an_index(1), an_index(2)]}
    assert shortened({"Node Type": "Limit", "Actual Loops": 1, "Plans": [append]}) == (
        "Limit (Append (3 x Index Only images_pkey))"
    )


def test_what_was_not_run_is_left_out():
    append = {"Node Type": "Append", "Actual Loops": 1, "Plans": [an_index(0), an_index(1, loops=0)]}
    assert shortened(append) == "Append (Index Only images_pkey)"
