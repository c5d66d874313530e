from __future__ import annotations

import io

import pytest
from PIL import Image

from benchmarks.gallery import photographs, unique
from benchmarks.images.loop_lag import delays, figures
from benchmarks.images.tables import Claim
from benchmarks.processes import Sample, Usage
from benchmarks.race import Run, middle


def _sample(at: float, command: float, child: float, resident: int = 0) -> Sample:
    return Sample(at=at, command_seconds=command, child_seconds=child, idle_seconds=2 * at, resident=resident)


def _run(rate: float, memory: float) -> Run:
    same = {"command_ms": 1.0, "child_ms": 2.0, "idle_cores": 0.5, "other_cores": 0.1}
    return Run(rate=rate, early_mb=memory, peak_mb=memory, **same)


def test_a_loop_that_is_on_time_has_one_delay_of_nothing():
    assert delays(10.0, 10.0) == [0.0]
    assert delays(10.0, 9.9999) == [0.0]


def test_a_loop_that_hangs_makes_everything_late_that_was_due_meanwhile():
    assert delays(10.0, 10.012) == pytest.approx([0.012, 0.007, 0.002])
    assert len(delays(0.0, 0.3)) == 61


def test_delays_are_told_in_milliseconds():
    told = figures([number / 1000 for number in range(200)])
    assert told == pytest.approx({"ticks": 200, "p50_ms": 100, "p99_ms": 198, "max_ms": 199})


def test_a_loop_that_was_never_watched_holds_no_claim():
    nothing = figures([])
    assert nothing["ticks"] == 0
    assert not Claim("lag", nothing["p99_ms"], " ms", 50, lower_is_better=True).holds


def test_cpu_counts_from_the_last_sample_before_a_moment():
    usage = Usage((_sample(1.0, 5.0, 1.0), _sample(2.0, 6.0, 3.0, 9), _sample(3.0, 8.0, 7.0, 4)))
    assert usage.since(2.5) == Sample(at=1, command_seconds=2, child_seconds=4, idle_seconds=2, resident=-5)
    assert usage.since(0.5) == Sample(at=2, command_seconds=3, child_seconds=6, idle_seconds=4, resident=4)
    assert usage.at(2.0).resident == usage.peak == 9


def test_the_median_is_taken_of_each_figure_by_itself():
    runs = [_run(1, 30), _run(3, 10), _run(2, 20)]
    assert middle(runs) == _run(2, 20)


@pytest.mark.parametrize(("figure", "lower", "holds"), [(1.3, False, True), (1.29, False, False), (1.3, True, False)])
def test_a_claim_holds_from_its_floor_on_and_below_its_ceiling(figure: float, lower: bool, holds: bool):
    assert Claim("ratio", figure, "", 1.3, lower_is_better=lower).holds is holds


def test_a_number_makes_a_jpegs_bytes_unique_and_changes_no_pixel():
    jpeg = photographs(0.01)[0]
    one, two = unique(jpeg, 1), unique(jpeg, 2)
    assert one != two
    with Image.open(io.BytesIO(jpeg)) as plain, Image.open(io.BytesIO(one)) as numbered:
        assert plain.tobytes() == numbered.tobytes()
