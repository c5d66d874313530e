"""The configuration files of a local cluster: Patroni's are those of production with addresses of this machine."""

from __future__ import annotations

import io
import os
import shlex
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import yaml

from deploy.local_cluster.plan import HOST, REST_USER, SCRAPYD_USER, Node, Plan, ScrapydNode
from deploy.local_cluster.programs import SCRIPTS, Programs

PRODUCTION = Path(__file__).parent.parent / "patroni"
CHECKOUT = PRODUCTION.parent.parent
NODE_PACKAGE = PRODUCTION.parent / "scrapyd"  # of the checkout; a machine of its own has it installed
NODES_FILE = "scrapyd.nodes"  # of deploy/deploy.py --nodes
REDIS = """\
port {plan.redis_port}
bind {host}
requirepass {plan.password}
dir "{folder}/redis"
appendonly yes
maxmemory-policy noeviction
"""
SUPERVISOR = """\
[supervisord]
directory = {folder}
pidfile = {folder}/supervisord.pid
logfile = {folder}/log/supervisord.log
childlogdir = {folder}/log

[inet_http_server]
port = {host}:{plan.supervisor_port}
username = supervisor
password = {plan.password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = http://{host}:{plan.supervisor_port}
username = supervisor
password = {plan.password}
"""
PROGRAM = """
[program:{name}]
command = {command}
autorestart = true
priority = {priority}
stopwaitsecs = 60
redirect_stderr = true
stdout_logfile = {log}
"""
SCRAPYD_PROGRAM = """\
directory = {folder}
environment = {environment}
"""


def write_configuration(folder: Path, plan: Plan, programs: Programs) -> None:
    """Write every file; those of an earlier start are replaced."""
    names = [node.name for node in plan.nodes] + [node.name for node in plan.scrapyd_nodes]
    for name in ("log", "redis", "voter", *names):
        (folder / name).mkdir(exist_ok=True)
    (folder / "redis/redis.conf").write_text(REDIS.format(plan=plan, host=HOST, folder=folder), encoding="utf-8")
    (folder / "voter/voter.yml").write_text(yaml.safe_dump({"raft": _raft(folder / "voter", plan, plan.voter_port)}))
    for node in plan.nodes:
        values = node_configuration(folder / node.name, plan, node, programs)
        (folder / node.name / "patroni.yml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    for one in plan.scrapyd_nodes:
        (folder / one.name / "scrapyd.conf").write_text(scrapyd_configuration(one), encoding="utf-8")
    urls = [f"http://{SCRAPYD_USER}:{plan.password}@{HOST}:{one.port}/\n" for one in plan.scrapyd_nodes]
    (folder / NODES_FILE).write_text("".join(urls), encoding="utf-8")
    (folder / "supervisord.conf").write_text(_supervisor(folder, plan, programs), encoding="utf-8")
    lines = [f"{name}={shlex.quote(value)}" for name, value in plan.environment.items()]
    words = [f"{name}={shlex.quote(value)}" for name, value in plan.scrapyd_environment.items()]
    exports = (lines[0], " ".join(lines[1:]), " ".join(words))
    text = "".join(f"export {one}\n" for one in exports)
    (folder / "cluster.env").write_text(text, encoding="utf-8")


def node_configuration(folder: Path, plan: Plan, node: Node, programs: Programs) -> dict[str, Any]:
    """Return Patroni's configuration of a node: the template of production with what differs on this machine."""
    values: dict[str, Any] = yaml.safe_load((PRODUCTION / "patroni.yml").read_text(encoding="utf-8"))
    values["name"] = node.name
    values["restapi"] |= {"listen": f"{HOST}:{node.rest_port}", "connect_address": f"{HOST}:{node.rest_port}"}
    values["restapi"]["authentication"] = {"username": REST_USER, "password": plan.password}
    values["raft"] = _raft(folder, plan, node.raft_port)
    values["postgresql"] |= {
        "listen": f"{HOST}:{node.postgres_port}",
        "connect_address": f"{HOST}:{node.postgres_port}",
        "data_dir": str(folder / "data"),
        "bin_dir": str(programs.postgres),
        "pgpass": str(folder / "pgpass"),
        "parameters": {"unix_socket_directories": ""},  # their paths may be at most 107 bytes long
    }
    for role in values["postgresql"]["authentication"].values():
        role["password"] = plan.password
    values["watchdog"] = {"mode": "off"}  # it would restart the whole machine
    bootstrap = values["bootstrap"]
    bootstrap["dcs"]["postgresql"]["parameters"]["wal_keep_size"] = "128MB"
    bootstrap["post_init"] = shlex.join(["sh", str(PRODUCTION / "create_catalog.sh")])
    return values


def scrapyd_configuration(node: ScrapydNode) -> str:
    """Return Scrapyd's configuration of a node: that of production on another port, and quick to begin a job."""
    parser = ConfigParser(interpolation=None)
    parser.read_string((CHECKOUT / "scrapyd.conf").read_text(encoding="utf-8"))
    # One worker per core, as in production, would leave a machine of one core no place for a trial beside its worker.
    values = {"bind_address": HOST, "http_port": str(node.port), "poll_interval": "0.5", "max_proc": "4"}
    parser["scrapyd"].update(values)
    with io.StringIO() as file:
        parser.write(file)
        return file.getvalue()


def images_store(folder: Path, programs: Programs) -> Path:
    """Return where the Scrapyd nodes keep images: beside the cluster, as workers in the checkout do (data/images)."""
    return (folder if programs.as_nobody else folder.parent) / "images"


def server_environment(plan: Plan, programs: Programs) -> dict[str, str]:
    """Return the environment of all servers: this one, without what would steer them, or shadow an egg."""
    steering = ("PG", "PATRONI_", "LC_", "SCRAPY", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
    path = os.pathsep.join([str(programs.postgres), str(SCRIPTS), kept.get("PATH", os.defpath)])
    return kept | {"PATH": path, "LC_ALL": "C", "CATALOG_PASSWORD": plan.password}


def _raft(folder: Path, plan: Plan, own_port: int) -> dict[str, Any]:
    ports = [plan.voter_port, *(node.raft_port for node in plan.nodes)]
    return {
        "data_dir": str(folder / "raft"),
        "self_addr": f"{HOST}:{own_port}",
        "partner_addrs": [f"{HOST}:{port}" for port in ports if port != own_port],
        "password": plan.password,
    }


def _supervisor(folder: Path, plan: Plan, programs: Programs) -> str:
    commands: dict[str, tuple[object, ...]] = {
        "redis": (programs.redis, folder / "redis/redis.conf"),
        "voter": (programs.voter, folder / "voter/voter.yml"),
        **{node.name: (programs.patroni, folder / node.name / "patroni.yml") for node in plan.nodes},
        **{node.name: (programs.scrapyd, "--pidfile=") for node in plan.scrapyd_nodes},
    }
    environment = _scrapyd_environment(folder, plan, programs)
    parts = [SUPERVISOR.format(plan=plan, host=HOST, folder=_escaped(folder))]
    # Stopped in reverse order, one after the other: the voter outlives the nodes, which ask it for their lock.
    for priority, (name, command) in enumerate(commands.items(), start=1):
        line = _escaped(shlex.join(map(str, command)))
        log = _escaped(folder / "log" / f"{name}.log")
        parts.append(PROGRAM.format(name=name, command=line, priority=priority, log=log))
        if name in {node.name for node in plan.scrapyd_nodes}:
            parts.append(SCRAPYD_PROGRAM.format(folder=_escaped(folder / name), environment=environment))
    return "".join(parts)


def _scrapyd_environment(folder: Path, plan: Plan, programs: Programs) -> str:
    values = plan.environment | plan.scrapyd_environment | {"PYTHONUTF8": "1", "PYTHONPATH": str(NODE_PACKAGE)}
    values["IMAGES_STORE"] = str(images_store(folder, programs))
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(text: object) -> str:
    """Return the text as supervisor's configuration wants it, where % begins a name."""
    return str(text).replace("%", "%%")
