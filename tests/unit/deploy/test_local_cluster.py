"""What the local cluster is configured with."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import socket
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local_cluster.cluster import LocalCluster
from deploy.local_cluster.configuration import PRODUCTION, write_configuration
from deploy.local_cluster.plan import HOST, ClusterError, Plan
from deploy.local_cluster.programs import Programs
from deploy.local_cluster.status import Row, is_well, table
from tests.project import ROOT

TEMPLATE = yaml.safe_load((PRODUCTION / "patroni.yml").read_text(encoding="utf-8"))


@pytest.fixture
def programs() -> Programs:
    return Programs(
        postgres=Path("/opt/postgres/bin"),
        redis="/usr/bin/redis-server",
        patroni=Path("/opt/bin/patroni"),
        voter=Path("/opt/bin/patroni_raft_controller"),
        scrapyd=Path("/opt/bin/scrapyd"),
        supervisord=Path("/opt/bin/supervisord"),
        prefix=(),
    )


def test_a_plan_is_read_as_it_was_written(tmp_path: Path):
    plan = Plan.choose()
    plan.save(tmp_path)
    assert Plan.load(tmp_path) == plan
    assert Plan.load(tmp_path / "elsewhere") is None


def test_a_plan_of_a_version_without_scrapyd_nodes_is_completed(tmp_path: Path):
    plan = Plan.choose()
    old = {name: value for name, value in asdict(plan).items() if name != "scrapyd_nodes"}
    (tmp_path / "plan.json").write_text(json.dumps(old))
    loaded = Plan.load(tmp_path)
    assert loaded
    completed = loaded.completed()
    assert [node.name for node in completed.scrapyd_nodes] == ["scrapyd1", "scrapyd2"]
    assert (completed.nodes, completed.password) == (plan.nodes, plan.password)
    assert completed.completed() == completed


def test_the_scrapyd_nodes_run_the_production_configuration_each_on_its_port(tmp_path: Path, programs: Programs):
    plan = Plan.choose()
    write_configuration(tmp_path, plan, programs)
    template = configparser.ConfigParser()
    template.read(ROOT / "scrapyd.conf")
    supervised = configparser.ConfigParser()
    supervised.read(tmp_path / "supervisord.conf")
    for node in plan.scrapyd_nodes:
        values = configparser.ConfigParser()
        values.read(tmp_path / node.name / "scrapyd.conf")
        changed = {name for name in values["scrapyd"] if template["scrapyd"].get(name) != values["scrapyd"][name]}
        assert changed <= {"bind_address", "http_port", "poll_interval", "max_proc"}
        assert values["scrapyd"]["http_port"] == str(node.port)
        program = supervised[f"program:{node.name}"]
        assert program["directory"] == str(tmp_path / node.name)
        assert f'SCRAPYD_PASSWORD="{plan.password}"' in program["environment"]
    assert (tmp_path / "scrapyd.nodes").read_text().count(plan.password) == 2


def test_a_plan_that_was_cut_short_says_what_to_do(tmp_path: Path):
    (tmp_path / "plan.json").write_text('{"nodes": [')
    with pytest.raises(ClusterError, match="mend it, or remove"):
        Plan.load(tmp_path)


def test_a_folder_with_other_things_in_it_is_neither_used_nor_wiped(tmp_path: Path):
    (tmp_path / "letters.txt").write_text("dear")
    cluster = LocalCluster(tmp_path)
    with pytest.raises(ClusterError, match="holds other things"):
        cluster.up()
    cluster.wipe()
    assert (tmp_path / "letters.txt").exists()


def test_a_port_that_somebody_else_has_taken_is_named_with_its_use():
    plan = Plan.choose()
    assert not plan.taken_ports()
    with socket.create_server((HOST, plan.nodes[1].raft_port)):
        assert plan.taken_ports() == f"{plan.nodes[1].raft_port} (raft pg2)"


def test_the_nodes_run_the_production_template_but_for_what_is_of_this_machine(tmp_path: Path, programs: Programs):
    plan = Plan.choose()
    write_configuration(tmp_path, plan, programs)
    for node in plan.nodes:
        values = yaml.safe_load((tmp_path / node.name / "patroni.yml").read_text())
        differing = {path for path, value in _leaves(TEMPLATE) if dict(_leaves(values)).get(path) != value}
        assert differing <= {
            "name",
            "restapi.listen",
            "restapi.connect_address",
            "restapi.authentication.password",
            *(f"raft.{key}" for key in ("data_dir", "self_addr", "partner_addrs", "password")),
            *(f"postgresql.{key}" for key in ("listen", "connect_address", "data_dir", "bin_dir", "pgpass")),
            *(f"postgresql.authentication.{role}.password" for role in ("superuser", "replication", "rewind")),
            *(f"watchdog.{key}" for key in ("mode", "device", "safety_margin")),
            "bootstrap.dcs.postgresql.parameters.wal_keep_size",
            "bootstrap.post_init",
        }
        assert "CHANGE-ME" not in str(values)


def test_patroni_is_given_enough_time_to_keep_its_lock():
    dcs = TEMPLATE["bootstrap"]["dcs"]
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]


def test_every_voter_knows_the_two_others(tmp_path: Path, programs: Programs):
    write_configuration(tmp_path, Plan.choose(), programs)
    files = [*tmp_path.glob("*/patroni.yml"), tmp_path / "voter/voter.yml"]
    rafts = [yaml.safe_load(file.read_text())["raft"] for file in files]
    everyone = {raft["self_addr"] for raft in rafts}
    assert len(everyone) == 3
    assert all({raft["self_addr"], *raft["partner_addrs"]} == everyone for raft in rafts)


def test_supervisor_reads_paths_with_spaces_and_percent_signs(tmp_path: Path, programs: Programs):
    folder = tmp_path / "50 % full"
    folder.mkdir()
    write_configuration(folder, Plan.choose(), programs)
    parser = configparser.ConfigParser()
    parser.read(folder / "supervisord.conf")
    command = shlex.split(parser["program:redis"]["command"])
    assert command == ["/usr/bin/redis-server", str(folder / "redis/redis.conf")]


def test_the_post_init_script_of_production_can_be_executed():
    assert os.stat(PRODUCTION / "create_catalog.sh").st_mode & stat.S_IXUSR  # noqa: PTH116


def test_a_cluster_without_synchronous_standby_is_not_well():
    rows = [
        Row(program="postgres-pg1", pid=1, state="running", port=5432, role="primary"),
        Row(program="postgres-pg2", pid=2, state="streaming", port=5433, role="synchronous standby", lag_bytes=0),
        Row(program="redis", pid=3, state="RUNNING", port=6379),
    ]
    assert is_well(rows)
    assert not is_well([])
    assert not is_well([rows[0], rows[2]])
    assert not is_well([*rows, Row(program="voter", pid=None, state="BACKOFF", port=2222)])
    assert [line.index("5") for line in table(rows).splitlines()[1:3]] == [
        table(rows).splitlines()[0].index("PORT")
    ] * 2


def _leaves(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        path = f"{before}{key}"
        found += _leaves(value, f"{path}.") if isinstance(value, dict) else [(path, value)]
    return found
