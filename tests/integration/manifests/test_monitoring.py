"""deploy/prometheus by promtool, deploy/grafana by what its panels ask for."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from image_spider.fleet_metrics import FIGURES, PREFIX, REDIS_UP
from tests.programs import program
from tests.project import ROOT

RULES = ROOT / "deploy/prometheus/rules.yml"
ALERTS = Path(__file__).parent / "alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/provisioning/dashboards/image-spider.json"
FLEET = {PREFIX + figure.name + ("_total" if figure.kind == "counter" else "") for figure in (REDIS_UP, *FIGURES)}


def promtool(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool"), *map(str, words)], capture_output=True, text=True)


def expressions() -> Iterator[str]:
    """Return what alerts and panels ask for."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def test_prometheus_reads_its_configuration():
    done = promtool("check", "config", "--syntax-only", RULES.parent / "prometheus.yml")
    assert done.returncode == 0, done.stderr


def test_each_alert_fires_for_what_it_is_for_and_for_nothing_else(tmp_path: Path):
    text = ALERTS.read_text(encoding="utf-8")
    names = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    assert names == set(re.findall(r'alertname="(\w+)"', text)), "each has a test"
    file = tmp_path / "alerts.yml"
    file.write_text(text.replace("RULES", str(RULES)), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_panel_asks_what_prometheus_understands(tmp_path: Path):
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_figure_that_alerts_and_panels_ask_for_is_one_that_somebody_serves():
    asked = {name for text in expressions() for name in re.findall(r"\b(?:image_spider|patroni)_\w+", text)}
    nodes = {name for name in asked if name.startswith("image_spider_node_")}
    patroni = {name for name in asked if name.startswith("patroni_")}
    assert asked - nodes - patroni <= FLEET
    reference = (ROOT / "docs/reference/node-http.md").read_text(encoding="utf-8")
    assert nodes <= set(re.findall(r"`(image_spider_node_\w+)`", reference))
    spec = find_spec("patroni")
    assert spec
    assert spec.origin
    source = (Path(spec.origin).parent / "api.py").read_text(encoding="utf-8")
    assert patroni <= set(re.findall(r"# TYPE (\w+) ", source))


@pytest.mark.parametrize("panel", json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"], ids=lambda p: p["title"])
def test_a_panel_lies_within_the_dashboard_and_on_no_other(panel: dict):
    place = panel["gridPos"]
    assert place["x"] + place["w"] <= 24
    for other in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        there = other["gridPos"]
        apart = (
            place["x"] + place["w"] <= there["x"]
            or there["x"] + there["w"] <= place["x"]
            or place["y"] + place["h"] <= there["y"]
            or there["y"] + there["h"] <= place["y"]
        )
        assert apart or other["id"] == panel["id"], other["title"]
