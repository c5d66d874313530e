"""deploy/compose: by the schema of the specification, and by what Patroni reads out of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from image_spider.config import check
from tests.project import ROOT

FOLDER = ROOT / "deploy/compose"
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
READ_PATRONI = (
    "import json,sys; from patroni.config import Config; print(json.dumps(Config(sys.argv[1]).local_configuration))"
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as Compose reads it, each variable filled in with its own name."""
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    assert wanted == EXAMPLE.keys(), "what must be set stands in .env.example"
    text = re.sub(
        r"\$\{(\w+):\?[^}]*\}", lambda found: found[1].lower().replace("contact_url", "https://a.test/"), text
    )
    return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))


def test_the_file_is_valid_by_the_compose_specification():
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, FOLDER / "compose.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_whatever_a_service_names_is_there(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        assert service.keys() & {"image", "build"}, name
        assert set(service.get("depends_on", ())) <= compose["services"].keys(), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (FOLDER / source).resolve().exists() if source.startswith(".") else source in compose["volumes"]
        if build := service.get("build"):
            context = (FOLDER / build["context"]).resolve()
            text = (context / build["dockerfile"]).read_text(encoding="utf-8")
            assert not build.get("target") or f" AS {build['target']}\n" in text, name


def test_every_image_that_is_not_built_here_has_a_version(compose: dict[str, Any]):
    images = {service["image"] for service in compose["services"].values() if "build" not in service}
    assert all(re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-\w+)?", image) for image in images), images


def test_no_port_is_published_beyond_this_machine(compose: dict[str, Any]):
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len(set(ports)) == len(ports)


def test_no_read_only_service_is_given_a_secret_that_is_no_file(compose: dict[str, Any]):
    # Compose copies one from the environment into the container, which a read-only one refuses (docker/compose #12031).
    for name, service in compose["services"].items():
        for kind in ("secrets", "configs"):
            for given in service.get(kind, ()):
                source = given if isinstance(given, str) else given["source"]
                assert "file" in compose[kind][source] or not service.get("read_only"), name


@pytest.mark.parametrize("service", ["worker", "node1", "node2", "metrics", "catalog"])
def test_settings_of_a_service_are_settings_of_the_project(compose: dict[str, Any], service: str):
    settings = {
        name: value
        for name, value in compose["services"][service]["environment"].items()
        if not name.startswith("SCRAPYD_")
    }
    check(settings)
    assert settings["REDIS_URL"] == "redis://:redis_password@redis:6379/0"


@pytest.mark.parametrize("service", ["pg1", "pg2", "voter"])
def test_patroni_finds_no_password_left_to_change(compose: dict[str, Any], service: str):
    environment = compose["services"][service]["environment"]
    file = ROOT / "deploy/patroni" / ("voter.yml" if service == "voter" else "patroni.yml")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATRONI_")}
    done = subprocess.run(
        [sys.executable, "-c", READ_PATRONI, file], env=kept | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    values = yaml.safe_load(done.stdout)
    assert "CHANGE-ME" not in done.stdout
    assert "10.0.0." not in done.stdout
    members = {f"{name}:2222" for name in ("pg1", "pg2", "voter")}
    assert {values["raft"]["self_addr"], *values["raft"]["partner_addrs"]} == members
    assert values["raft"]["self_addr"] == f"{service}:2222"
    if service != "voter":
        assert (values["name"], values["postgresql"]["connect_address"]) == (service, f"{service}:5432")
