"""deploy/systemd by systemd-analyze, deploy/supervisor by supervisor's own reader."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from image_spider.command import INTERRUPTED
from image_spider.commands.crawl import WRONG_USAGE
from tests.programs import program
from tests.project import ROOT

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(path for path in FOLDER.iterdir() if path.is_file())
SERVICES = [unit.name.replace("@", "@1") for unit in UNITS if unit.suffix == ".service"]
EXPOSURE = 25  # tenths: systemd's own measure from 0 to 100; a service without any of its locks has 96
COMMAND = re.compile(r"^(?:ExecStart=|command = )(\S+) ?(.*)$", re.MULTILINE)
PASSWORD_FILE = "/etc/image-spider/node"
SUPERVISOR = ROOT / "deploy/supervisor/image_spider.conf"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with our units, those of the distribution, and programs where ours expect them."""
    root = tmp_path_factory.mktemp("machine")
    system = next(path for path in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")) if path.exists())
    shutil.copytree(system, root / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(FOLDER, root / "etc/systemd/system")
    for unit in UNITS:
        for path, _ in COMMAND.findall(unit.read_text(encoding="utf-8")):
            file = root / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("#!/bin/sh\n", encoding="utf-8")
            file.chmod(0o755)
    return root


@pytest.mark.parametrize("unit", [*SERVICES, "image-spider-backup.timer"])
def test_systemd_finds_nothing_wrong_with_a_unit(machine: Path, unit: str):
    done = subprocess.run(
        [program("systemd-analyze"), "verify", f"--root={machine}", unit], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_would_say_so_when_a_unit_were_wrong(machine: Path):
    broken = machine / "etc/systemd/system/broken.service"
    broken.write_text("[Service]\nExecStart=/nowhere\nNoNewPrivilege=yes\n", encoding="utf-8")
    done = subprocess.run(
        [program("systemd-analyze"), "verify", f"--root={machine}", "broken.service"], capture_output=True, text=True
    )
    broken.unlink()
    assert done.returncode
    assert "NoNewPrivilege" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_locked_in(machine: Path, service: str):
    command = ["security", "--offline=true", f"--root={machine}", f"--threshold={EXPOSURE}", "--no-pager", service]
    done = subprocess.run([program("systemd-analyze"), *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def directives(unit: Path) -> dict[str, str]:
    """Return what a unit says, the last of each name; those of the drop-in hold for every service."""
    files = (FOLDER / "image-spider-.service.d/locks.conf", unit)
    return dict(re.findall(r"^(\w+)=(.*)$", "".join(file.read_text(encoding="utf-8") for file in files), re.MULTILINE))


RESTARTED = [unit for unit in UNITS if "Restart" in directives(unit)]


@pytest.mark.parametrize("unit", RESTARTED, ids=lambda unit: unit.name)
def test_a_service_is_started_again_for_as_long_as_its_servers_are_away(unit: Path):
    said = directives(unit)
    # systemd's own limit: DefaultStartLimitBurst=5 within DefaultStartLimitIntervalSec=10
    seconds, starts = int(said.get("StartLimitIntervalSec", 10)), int(said.get("StartLimitBurst", 5))
    assert seconds <= (starts - 1) * int(said["RestartSec"]), "an outage would end it for good"


def test_exit_codes_mean_to_services_what_they_mean_to_the_project(supervised: dict[str, list[Any]]):
    worker, metrics = (directives(FOLDER / f"image-spider-{name}.service") for name in ("worker@", "metrics"))
    assert worker["SuccessExitStatus"] == str(INTERRUPTED)
    assert {worker["RestartPreventExitStatus"], metrics["RestartPreventExitStatus"]} == {str(WRONG_USAGE)}
    for name in ("image-spider-worker", "image-spider-metrics"):
        for one in supervised[name]:
            assert one.exitcodes == [0, WRONG_USAGE]
    assert {one.startretries for one in supervised["image-spider-worker"]} == {100_000}


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_a_service_may_write_temporary_files(unit: Path):
    # ProtectSystem=strict makes /tmp and /var/tmp read-only, but for private ones.
    said = directives(unit)
    assert said.get("PrivateTmp") == "yes" or said["ReadWritePaths"].split() == ["/tmp", "/var/tmp"]


@pytest.mark.parametrize("unit", ["image-spider-worker@.service", "image-spider-node.service"])
def test_a_process_killed_for_its_memory_does_not_end_the_service_that_started_it(unit: str):
    assert directives(FOLDER / unit).get("OOMPolicy") == "continue"


def test_nobody_but_the_node_is_given_its_password(supervised: dict[str, list[Any]]):
    for unit in (unit for unit in UNITS if unit.suffix == ".service"):
        files = re.findall(r"^EnvironmentFile=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        node = [PASSWORD_FILE] if unit.name == "image-spider-node.service" else []
        assert files == ["/etc/image-spider/environment", *node], unit.name
    for name, programs in supervised.items():
        for one in programs:
            assert ("SCRAPYD_PASSWORD" in one.environment) == (name == "image-spider-node")
    guide = (ROOT / "docs/how-to/run-as-a-service.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"^`(/etc/image-spider/\w+)`.*?\n\n```\n(.*?)```", guide, re.MULTILINE | re.DOTALL))
    assert {file for file, text in written.items() if "SCRAPYD_PASSWORD" in text} == {PASSWORD_FILE}


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[Any]]:
    """Programs as supervisor reads them, paths and users of this machine put in."""
    monkeypatch.chdir(tmp_path)
    text = SUPERVISOR.read_text(encoding="utf-8")
    text = re.sub(r"^user = .*$", "user = nobody", text, flags=re.MULTILINE)
    text = text.replace("/var/log/image-spider/", f"{tmp_path}/")
    (tmp_path / "supervisord.conf").write_text(f"[supervisord]\n{text}", encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(tmp_path / "supervisord.conf")])
    return {group.name: group.process_configs for group in options.process_group_configs}


def test_supervisor_reads_every_program(supervised: dict[str, list[Any]]):
    assert supervised.keys() == {"image-spider-worker", "image-spider-node", "image-spider-metrics"}
    assert [one.name for one in supervised["image-spider-worker"]] == ["image-spider-worker-0", "image-spider-worker-1"]
    [node] = supervised["image-spider-node"]
    assert (node.killasgroup, node.stopasgroup) == (False, False)  # crawls outlive the daemon


def test_supervisor_runs_what_systemd_runs():
    units = "".join(unit.read_text(encoding="utf-8") for unit in UNITS if "backup" not in unit.name)
    assert set(COMMAND.findall(SUPERVISOR.read_text(encoding="utf-8"))) == set(COMMAND.findall(units))
