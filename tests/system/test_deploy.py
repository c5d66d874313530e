"""`make deploy` of the project itself: built from the checkout, verified on a real node, tried by a crawl there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from demo.server import DemoServer
from tests.nodes import LOGIN, ScrapydNode
from tests.project import ROOT
from tests.servers import running


def test_the_project_is_built_deployed_and_crawls_on_its_canary(tmp_path: Path, site: DemoServer):
    with running(ScrapydNode(tmp_path / "node")) as node:
        words = ("--node", node.url, "--canary-url", site.url, "--json", "--save-egg", str(tmp_path / "release.egg"))
        environment = node.environment | {"SCRAPYD_USERNAME": LOGIN[0], "SCRAPYD_PASSWORD": LOGIN[1]}
        command = [sys.executable, str(ROOT / "deploy/deploy.py"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr + node.log()
        (told,) = json.loads(done.stdout)["nodes"]
        assert (told["state"], told["hash_verified"]) == ("deployed", True)
        (job,) = node.jobs("image_spider").values()
        assert (job["exit_status"], job["finish_reason"], job["version"]) == (0, "finished", told["runs"])
    assert (tmp_path / "release.egg").stat().st_size > 100_000
