"""Programs that no wheel carries, and how to get them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

REQUIRED = "REQUIRE_PROGRAMS"  # set by .ci/run
UNPACKED = Path(sys.executable).parent.parent / "programs"  # where `make programs` puts Debian's packages
HINTS = {
    "kubectl": "install it (https://kubernetes.io/docs/tasks/tools/; Debian 12's is too old) or kustomize",
    "nginx": "`make programs` fetches it on Debian and Ubuntu; elsewhere install nginx",
    "promtool": "`make programs` fetches it on Debian and Ubuntu; elsewhere install Prometheus, it is part of it",
    "systemd-analyze": "install systemd (apt-get install systemd); it need not run",
}


def program(name: str) -> str:
    """Return the path of a program; where it is missing, the test is skipped, or fails in CI, with how to get it."""
    folders = [UNPACKED / "usr/bin", UNPACKED / "usr/sbin", *os.get_exec_path(), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(map(str, folders)))
    if not found and REQUIRED not in os.environ:
        pytest.skip(f"{name} is missing: {HINTS[name]}")
    assert found, f"{name} is missing: {HINTS[name]}"
    return found
