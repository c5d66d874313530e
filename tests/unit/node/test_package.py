"""What the node's package is made of, and what the documentation says about it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.nodes import PACKAGE
from tests.project import ROOT

MODULES = sorted((Path(PACKAGE) / "image_spider_node").glob("*.py"))
PROJECT = {"image_spider", "pipelines", "middlewares", "console", "demo", "benchmarks", "deploy", "tests"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_node_knows_nothing_of_the_project(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & PROJECT


def test_the_project_knows_nothing_of_the_node():
    for package in ("image_spider", "pipelines", "middlewares"):
        for path in (ROOT / package).rglob("*.py"):
            assert "image_spider_node" not in path.read_text(encoding="utf-8"), path


def test_the_watcher_of_a_crawl_imports_nothing_large():
    code = "import sys, image_spider_node.runner; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": PACKAGE}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"scrapy", "scrapyd", "twisted", "pkg_resources", "lxml"} & set(done.stdout.split())


def test_every_class_that_the_configuration_names_is_there():
    configuration = ConfigParser()
    configuration.read(ROOT / "scrapyd.conf")
    values = [*configuration["scrapyd"].values(), *configuration["services"].values()]
    paths = [value for value in values if value.startswith("image_spider_node.")]
    assert len(paths) > 15
    for path in paths:
        module, _, name = path.rpartition(".")
        tree = ast.parse((Path(PACKAGE) / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}, path


def test_every_option_of_the_node_stands_in_the_documentation():
    configuration = ConfigParser()
    configuration.read(ROOT / "scrapyd.conf")
    pages = [ROOT / "docs/how-to/run-a-node.md", *ROOT.glob("docs/reference/node-http.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    stock = {"bind_address", "http_port", "items_dir", "finished_to_keep", "eggs_dir", "logs_dir", "dbs_dir"}
    parts = {"application", "launcher", "poller", "eggstorage", "jobstorage", "webroot"}
    for option in configuration["scrapyd"].keys() - stock - parts:
        assert f"`{option}`" in text, option


def test_every_test_that_the_table_of_holes_names_is_there():
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8").partition("# What a node survives")[2]
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) > 10
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_a_container_has_slots_of_its_own_number_not_one_for_each_core_of_its_host():
    configuration = ConfigParser()
    configuration.read([ROOT / "scrapyd.conf", ROOT / "deploy/docker/node.conf"])  # as Scrapyd reads them there
    assert configuration["scrapyd"].getint("max_proc", 0) > 0
