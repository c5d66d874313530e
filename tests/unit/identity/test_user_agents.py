from __future__ import annotations

import json
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest

from image_spider.exceptions import UsageError
from image_spider.identity.profiles import Browser
from image_spider.identity.user_agents import OLD_DAYS, UserAgents, load_user_agents
from tests.unit.identity.captures import CHROME, FIREFOX


def test_the_shipped_list_has_shares_a_date_and_its_sources():
    held = json.loads(resources.files("image_spider.identity").joinpath("user_agents.json").read_text(encoding="utf-8"))
    listed = load_user_agents("rotate")
    assert listed.taken == date.fromisoformat(held["date"])
    assert {source["package"] for source in held["sources"]} == {"user-agents", "caniuse-db"}
    assert all(source["version"] and source["published"] and source["terms"] for source in held["sources"])
    assert sum(profile.share for profile in listed.profiles) == pytest.approx(1, abs=0.001)
    assert len({profile.user_agent for profile in listed.profiles}) == len(listed.profiles)
    assert {profile.browser for profile in listed.profiles} == set(Browser) - {Browser.OTHER}


def test_an_honest_agent_has_no_list():
    assert load_user_agents("honest").profiles == ()


def test_a_file_holds_a_user_agent_on_each_line_with_its_share_or_without(tmp_path: Path):
    file = tmp_path / "agents.txt"
    file.write_text(f"# mine\n\n30 {CHROME}\n0.5\t{FIREFOX}\nmy robot/1.0 (+https://me.example/)\n")
    listed = load_user_agents(str(file))
    assert [(profile.user_agent, profile.share) for profile in listed.profiles] == [
        (CHROME, 30),
        (FIREFOX, 0.5),
        ("my robot/1.0 (+https://me.example/)", 1),
    ]
    assert listed.profiles[2].browser is Browser.OTHER
    assert not listed.is_old()


def test_a_json_file_has_the_form_of_the_shipped_one(tmp_path: Path):
    file = tmp_path / "agents.json"
    file.write_text(json.dumps({"date": "2026-01-31", "profiles": [{"user_agent": CHROME, "share": 2}]}))
    listed = load_user_agents(str(file))
    assert (listed.taken, listed.profiles[0].share) == (date(2026, 1, 31), 2)


def test_a_list_grows_old():
    taken = date(2026, 1, 1)
    assert not UserAgents((), taken).is_old(taken + timedelta(days=OLD_DAYS))
    assert UserAgents((), taken).is_old(taken + timedelta(days=OLD_DAYS + 1))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.txt", "# nothing\n", "it holds 0 User-Agents"),
        ("a.txt", "agent\x07one\n", "not printable ASCII"),
        ("a.txt", "agént\n", "not printable ASCII"),
        ("a.txt", "0 agent\n", "no share above 0"),
        ("a.txt", "a/1\n" * 1001, "it holds 1001 User-Agents"),
        ("a.json", "{", "Expecting"),
        ("a.json", "{}", "profiles"),
        ("a.json", '{"date": "2026-01-01", "profiles": [{"user_agent": "a\\r\\nCookie: x", "share": 1}]}', "printable"),
        ("a.json", '{"date": "2026-01-01", "profiles": [{"user_agent": "a", "share": NaN}]}', "no share above 0"),
    ],
)
def test_a_bad_file_is_refused_by_name_with_what_is_wrong(tmp_path: Path, name: str, text: str, why: str):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(
        UsageError, match=rf"USER_AGENTS='.*{name}' is not allowed: honest, rotate or a file"
    ) as refusal:
        load_user_agents(str(file))
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="No such file"):
        load_user_agents("rotated")
