"""Mutated files never raise, never warn and take little time and memory.

IMAGE_SPIDER_FUZZ_FILES=20000 makes the same test a long run.
"""

from __future__ import annotations

import os
import resource

import pytest

from . import fuzz

FILES = int(os.environ.get("IMAGE_SPIDER_FUZZ_FILES", "1500"))
MEMORY_BYTES = 128 * 2**20


def test_mutated_files_are_described_without_warnings_in_little_time_and_memory(
    capfd: pytest.CaptureFixture[str],
) -> None:
    fuzz.run(64)  # loads the decoders and their tables
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    outcome = fuzz.run(FILES)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert outcome.warnings == []
    assert capfd.readouterr().out == ""  # libtiff writes to stderr, and Pillow offers no way to stop it
    assert outcome.slowest < 2.0
    assert grown < MEMORY_BYTES
    assert sum(outcome.classes.values()) == FILES
    assert {"ok", "truncated", "corrupt", "bomb"} <= set(outcome.classes)
    print(outcome.classes.most_common(), f"slowest {outcome.slowest * 1000:.0f} ms, {grown / 2**20:.0f} MB more")
