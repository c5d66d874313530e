"""`deploy/deploy.py` as it is run: what it prints, and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.deployment.command import main
from tests.hash_telling_node import HashTellingNode
from tests.project import ROOT
from tests.tiny_egg import tiny_egg


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy/deploy.py"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_exit_code_tells_whether_every_node_runs_the_version(tmp_path: Path):
    tiny_egg(tmp_path / "tiny.egg")
    with HashTellingNode() as node, HashTellingNode(damages=True) as damaging:
        url = node.url.replace("//", "//deployer:secret@")
        (tmp_path / "nodes").write_text(f"{url}\n")
        done = run(tmp_path, "--nodes", "nodes", "--egg", "tiny.egg", "--version", "1", "--json")
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
        report = json.loads(done.stdout)
        assert report["ok"]
        assert report["nodes"][0]["hash_verified"]
        assert "Done: 1 of 1 nodes run 1" in done.stderr
        assert "secret" not in done.stdout + done.stderr

        failed = run(tmp_path, "--node", url, "--node", damaging.url, "--egg", "tiny.egg", "--version", "2")
        assert failed.returncode == 1
        assert "the node holds other bytes" in failed.stderr
        assert "FAILED: 0 of 2 nodes run 2" in failed.stderr
        assert list(node.eggs) == ["1"]

        shown = run(tmp_path, "--node", url, "--status")
        assert (shown.returncode, "1 of 1 nodes run 1" in shown.stderr) == (0, True)


def test_a_broken_egg_is_sent_to_nobody(tmp_path: Path):
    tiny_egg(tmp_path / "broken.egg", "import missing_here")
    with HashTellingNode() as node:
        done = run(tmp_path, "--node", node.url, "--egg", "broken.egg")
        assert (done.returncode, node.uploads) == (1, 0)
        assert "No module named 'missing_here'" in done.stderr
        assert "Nothing was sent to any node" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--node", "node:6800"), "is no URL of a node"),
        (("no-such-target",), "scrapy.cfg has no target no-such-target"),
        (("--nodes", "no-such-file"), "cannot be read"),
        (("--node", "http://127.0.0.1:1/", "--version", "1.0"), "Scrapyd would store version 1.0 as 1_0"),
    ],
)
def test_wrong_words_have_an_exit_code_of_their_own(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)  # it goes to the checkout by itself
    assert main(words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
