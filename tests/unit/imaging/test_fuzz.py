"""Mutated files never raise, never warn and take little time and memory.

`make fuzz` makes the same test a long run, by IMAGE_SPIDER_FUZZ_FILES.
"""

from __future__ import annotations

import os
import resource

import pytest

from . import fuzz

LONG = "IMAGE_SPIDER_FUZZ_FILES" in os.environ
FILES = int(os.environ.get("IMAGE_SPIDER_FUZZ_FILES", "1500"))
MEMORY_BYTES = 128 * 2**20
DEADLINE_SECONDS = 2.0


def test_mutated_files_are_described_without_warnings_in_little_time_and_memory(
    capfd: pytest.CaptureFixture[str],
) -> None:
    fuzz.run(64)  # loads the decoders and their tables
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    outcome = fuzz.run(FILES)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    printed = capfd.readouterr().out
    slowest, number, integrity = outcome.slowest
    if LONG:
        with capfd.disabled():
            classes = ", ".join(f"{name} {files:,}" for name, files in outcome.classes.most_common())
            print(f"\n{FILES:,} files: {classes}; {outcome.unmeasured:,} kept, but not measured")
            print(f"slowest: file {number}, {integrity}, {slowest * 1000:.0f} ms; {grown / 2**20:.0f} MB more memory")
    assert outcome.warnings == []
    assert printed == ""  # libtiff writes to stderr, and Pillow offers no way to stop it
    assert slowest < DEADLINE_SECONDS
    assert outcome.unmeasured == 0
    assert grown < MEMORY_BYTES
    assert sum(outcome.classes.values()) == FILES
    assert {"ok", "truncated", "corrupt", "bomb"} <= set(outcome.classes)
