"""The drill that operators practise, in small: a real cluster, an egg, and a crawl through three kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.project import ROOT


def test_a_crawl_through_a_killed_worker_a_killed_node_and_a_failover_loses_nothing(tmp_path: Path):
    command = [sys.executable, "-m", "deploy.drills", "--pages", "100", "--folder", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 missing, 0 doubled, 0 failed, 0 without a file" in done.stdout
    assert "Traceback" not in done.stderr
