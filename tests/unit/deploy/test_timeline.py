"""What a drill prints and counts."""

from __future__ import annotations

import pytest

from deploy.drills.timeline import Timeline


def test_events_are_told_when_they_happen_and_missed_when_they_do_not(capsys: pytest.CaptureFixture[str]):
    timeline, answers = Timeline(), iter(["", "", "exit status -9"])
    timeline.strike("kill -9 of a worker")
    assert timeline.expect({"it has ended": lambda: next(answers)}, seconds=60)
    assert not timeline.expect({"it came back": lambda: None, "it was missed": lambda: True}, seconds=0.1)
    assert timeline.missing == ["it did not happen within 0.1 s: it came back"]
    assert timeline.seconds.keys() == {"it has ended", "it was missed"}
    printed = capsys.readouterr().out
    assert "** kill -9 of a worker" in printed
    assert "it has ended (exit status -9), " in printed
    assert "it came back" not in printed
