from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.nodes import PACKAGE


def test_the_wheel_of_the_node_holds_every_module_and_needs_nothing_of_the_project(tmp_path: Path):
    source = tmp_path / "source"  # a copy, for setuptools builds in the folder itself
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("image_spider_node-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.endswith(".py")}
        metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    assert names == {f"image_spider_node/{path.name}" for path in Path(PACKAGE).glob("image_spider_node/*.py")}
    needed = set(re.findall(r"^Requires-Dist: ([\w-]+)", metadata, re.MULTILINE))
    assert needed == {"scrapyd", "psutil", "prometheus-client", "setuptools"}
