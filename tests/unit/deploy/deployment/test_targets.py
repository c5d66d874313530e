"""Where nodes come from, and that passwords are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.deployment.target import DeploymentError, configured_targets, listed_targets, named_target, unique

ENVIRONMENT = {"SCRAPYD_USERNAME": "u", "SCRAPYD_PASSWORD": "secret"}
CONFIGURATION = """
[deploy]
url = http://one:6800
project = theirs
[deploy:two]
url = https://two/scrapyd/
username = deployer
password = $NODE_PASSWORD
[deploy:three]
project = other
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scrapy.cfg").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODE_PASSWORD", "of two")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_targets_of_scrapy_cfg_inherit_and_take_passwords_from_the_environment(checkout: Path):
    default, two, three = configured_targets([], environment=ENVIRONMENT)
    assert (default.name, default.url, default.project) == ("default", "http://one:6800/", "theirs")
    assert (default.username, default.password) == ("u", "secret")
    assert (two.url, two.username, two.password) == ("https://two/scrapyd/", "deployer", "of two")
    assert (three.url, three.project) == ("http://one:6800/", "other")
    assert configured_targets(["two"], environment={}) == [two]
    with pytest.raises(DeploymentError, match="has no target four; it has: default, two, three"):
        configured_targets(["four"], environment={})


def test_a_password_that_the_environment_does_not_have_is_asked_for(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NODE_PASSWORD")
    with pytest.raises(DeploymentError, match=r"target two of scrapy.cfg names \$NODE_PASSWORD"):
        configured_targets(["two"], environment={})


def test_a_list_of_nodes_has_comments_and_takes_passwords_from_urls_and_netrc(checkout: Path):
    (checkout / "nodes").write_text("# ours\nhttp://a:p%40ss@one:6800\n\nhttp://[::1]:6800/x  # here\nhttp://two/\n")
    (checkout / ".netrc").write_text("machine two login n password of_netrc\n")
    (checkout / ".netrc").chmod(0o600)
    one, here, two = listed_targets(checkout / "nodes", project="p", environment={})
    assert (one.name, one.url, one.username, one.password) == ("one:6800", "http://one:6800/", "a", "p@ss")
    assert (here.url, here.username) == ("http://[::1]:6800/x/", "")
    assert (two.username, two.password) == ("n", "of_netrc")
    assert "p@ss" not in repr(one)
    with pytest.raises(DeploymentError, match="cannot be read"):
        listed_targets(checkout / "none", project="p", environment={})


@pytest.mark.parametrize("url", ["one:6800", "ftp://one/", "http://u:secret@/", "http://u:secret@one:port/"])
def test_what_is_no_url_of_a_node_is_refused_without_its_password(url: str):
    with pytest.raises(DeploymentError, match="URL") as refused:
        named_target(url, project="p", environment={})
    assert "secret" not in str(refused.value)


def test_a_node_that_is_named_twice_is_deployed_to_once():
    one = named_target("http://u:p@one/", project="p", environment={})
    assert unique([one, named_target("http://one", project="p", environment={}), one]) == [one]
    with pytest.raises(DeploymentError, match="no node to deploy to"):
        unique([])
