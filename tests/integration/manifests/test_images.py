"""Dockerfiles by hadolint. tests/system/test_manifests.py runs what stands in them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.project import ROOT

FILES = sorted((ROOT / "deploy/docker").glob("*Dockerfile"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hadolint_finds_nothing(file: Path):
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "--failure-threshold", "info", "--no-color", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_copied_is_there_and_reaches_the_builder(file: Path):
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    for options, words in re.findall(r"^COPY ((?:--\S+ )*)(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
        if "--from" not in options:
            for source in words.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(f"{source}/".startswith(f"{folder}/") for folder in let_through), source


def test_bases_are_pinned_to_a_patch_level_and_the_python_is_the_one_that_is_tested():
    bases = [re.findall(r"^ARG \w+_IMAGE=(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) for file in FILES]
    assert all(re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?-[a-z-]+", base) for found in bases for base in found), bases
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert bases[0][0].startswith(f"python:{settings['tool']['mypy']['python_version']}.")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_image_runs_as_root_or_without_a_health_check(file: Path):
    text = file.read_text(encoding="utf-8")
    ends = re.split(r"^FROM .*$", text, flags=re.MULTILINE)
    for stage in ends:
        if re.search(r"^CMD ", stage, re.MULTILINE):
            assert re.search(r"^USER \d+:\d+$", stage, re.MULTILINE)
            assert "HEALTHCHECK" in stage
            assert "STOPSIGNAL SIGTERM" in stage
