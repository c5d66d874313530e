"""The reference is read as carefully as code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from image_spider import causes
from image_spider.broker.keys import KEYS
from image_spider.catalog.schema import metadata
from image_spider.commands.catalog import Command
from image_spider.config import Config
from image_spider.fields.names import ALIASES, NAMES
from image_spider.imaging.rules import QUALITY_PARTS, RULES
from image_spider.politeness.retry import BY_CAUSE, TOLD_TO_WAIT, USUAL
from image_spider.politeness.rules import Rules
from image_spider.spiders.images import ARGUMENTS
from image_spider.task.config import CrawlPart, OutputPart, TaskConfig, TaskEnvironment
from tests.lua_writers import written
from tests.project import ROOT

REFERENCE = ROOT / "docs/reference"


def test_every_setting_stands_in_the_reference_with_its_default():
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert rows.keys() == Config.model_fields.keys()
    defaults = {name: field.default for name, field in Config.model_fields.items() if isinstance(field.default, int)}
    assert {name: float(rows[name]) for name in defaults} == defaults


def test_every_key_in_redis_stands_in_the_reference():
    text = (REFERENCE / "redis-keys.md").read_text(encoding="utf-8")
    rows = [
        tuple(row) for row in re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    ]
    assert rows == [(key.name, key.type, key.holds, key.lifetime, key.writer) for key in KEYS]


def test_every_rule_and_every_part_of_the_quality_stands_in_the_reference():
    text = (REFERENCE / "rules.md").read_text(encoding="utf-8")
    rows = {tuple(line.strip("| ").split(" | ")) for line in text.splitlines() if line.startswith("| `")}
    rules = {
        (
            f"`{rule.flag}`",
            rule.case,
            f"`{rule.feature}`",
            rule.direction,
            f"{rule.threshold:g}",
            rule.unit,
            rule.source,
        )
        for rule in RULES
    }
    parts = {(f"`{part.feature}`", f"{part.worst:g}", f"{part.best:g}", f"{part.weight:g}") for part in QUALITY_PARTS}
    assert rows == rules | parts


def test_every_rule_of_politeness_stands_in_the_reference():
    text = (REFERENCE / "politeness.md").read_text(encoding="utf-8")
    rows = [tuple(line.strip("| ").split(" | ")) for line in text.splitlines() if line.startswith("| `")]
    rules = [
        (f"`{rule.name}`", f"{rule.default:g}", *(rule.metadata[word] for word in ("unit", "meaning", "source")))
        for rule in fields(Rules)
    ]
    assert rows[: len(rules)] == rules
    kinds = [line for line in text.splitlines() if " | x " in line]
    assert kinds == [
        f"| {kind} | x {rule.times:g} | x {rule.wait:g} | {'yes' if rule.spends else 'no'} | {rule.reason} |"
        for kind, rule in (
            ("429; 503 with Retry-After", TOLD_TO_WAIT),
            *((f"`{cause}`", rule) for cause, rule in BY_CAUSE.items()),
            ("anything else", USUAL),
        )
    ]


def test_the_writers_of_every_key_in_redis_are_those_that_the_scripts_show():
    lua = (ROOT / "image_spider/broker/lua").glob("*.lua")
    scripts = sorted(path.stem for path in lua if "\n-- KEYS[1] " in path.read_text(encoding="utf-8"))
    families = {script: written(script) for script in scripts}
    beside = {
        "F:ended": ["recorded"],
        "F:proxies:probing": ["may_probe"],
        "S": ["anyone"],
        "S:rejected": ["reject"],
    }  # what Python and people write
    for key in KEYS:
        writers = [script for script in scripts if key.name in families[script]] + beside.get(key.name, [])
        assert key.writer == ", ".join(sorted(writers)), key.name


def test_every_argument_of_the_spider_stands_in_the_reference():
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    section = text.partition("## Arguments")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == ARGUMENTS


@pytest.mark.parametrize("table", metadata.tables)
def test_every_column_stands_in_the_reference(table: str):
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    section = text.partition(f"## `{table}`")[2].partition("\n## ")[0]
    missing = {column.name for column in metadata.tables[table].columns} - set(re.findall(r"`(\w+)`", section))
    assert not missing


def test_every_cause_stands_in_the_reference():
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE)
    assert {cause for row in rows for cause in re.findall(r"`(\w+)`", row)} == causes.ALL


def test_every_variable_key_and_field_of_a_task_stands_in_the_reference_with_its_default():
    text = (REFERENCE / "container-task.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]*) \|", text, re.MULTILINE))
    variables = TaskEnvironment.model_fields
    assert variables.keys() <= rows.keys()
    assert {name: rows[name] for name, field in variables.items() if isinstance(field.default, float)} == {
        name: f"{field.default:g}" for name, field in variables.items() if isinstance(field.default, float)
    }
    parts = {"output_config.": OutputPart, "crawl_config.": CrawlPart}
    keys = {f"{prefix}{key}" for prefix, part in parts.items() for key in part.model_fields}
    lower = {name for name in rows if name.islower()}
    assert keys | TaskConfig.model_fields.keys() <= lower
    names = set(re.findall(r"`(\w+)`", text.partition("Known names")[2].partition("Any other name")[0]))
    assert names == NAMES.keys() | ALIASES.keys()


def test_every_command_stands_in_the_reference():
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    commands = {path.stem for path in (ROOT / "image_spider/commands").glob("*.py")} - {"__init__", "questions"}
    assert commands == set(re.findall(r"^\| `scrapy (\w+)", text, re.MULTILINE))


def test_every_action_on_the_catalog_stands_in_the_reference():
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert Command.ACTIONS.keys() == set(re.findall(r"^\| `scrapy catalog ([\w-]+)", text, re.MULTILINE))


def _pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
