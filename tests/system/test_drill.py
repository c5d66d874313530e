"""The drill that operators practise, in small: a crawl goes through the loss of its primary on a real cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.project import ROOT


def test_a_crawl_through_a_failover_loses_nothing(tmp_path: Path):
    command = [sys.executable, "-m", "deploy.drills.failover", "--pages", "80", "--folder", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 missing, 0 doubled, 0 failed, 0 without a file" in done.stdout
    assert "Traceback" not in done.stderr
