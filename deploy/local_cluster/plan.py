"""What a local cluster is made of: its folder, and the ports and passwords that were chosen once for it."""

from __future__ import annotations

import json
import random
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HOST = "127.0.0.1"
NODES = ("pg1", "pg2")
SCRAPYD_NODES = ("scrapyd1", "scrapyd2")
SCRAPYD_USER = "deployer"
REST_USER = "patroni"  # who may change something by Patroni's REST API
# Below the ports that the system gives to outgoing connections: a stopped cluster finds its own free again.
PORTS = range(20_000, 32_000)


class ClusterError(Exception):
    """The local cluster cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A data node: a Patroni and its PostgreSQL."""

    name: str
    postgres_port: int
    rest_port: int
    raft_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapydNode:
    """A Scrapyd daemon, whose folder has its name."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers, with a slash at the end."""
        return f"http://{HOST}:{self.port}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ports and passwords; kept in plan.json, for as long as the data of the cluster."""

    nodes: tuple[Node, ...]
    scrapyd_nodes: tuple[ScrapydNode, ...]
    voter_port: int
    redis_port: int
    supervisor_port: int
    password: str  # of all roles: who may read the folder may do anything with it

    @classmethod
    def choose(cls) -> Plan:
        """Choose free ports and a password."""
        ports = iter(_free_ports(3 * len(NODES) + len(SCRAPYD_NODES) + 3))
        nodes = tuple(
            Node(name=name, postgres_port=next(ports), rest_port=next(ports), raft_port=next(ports)) for name in NODES
        )
        return cls(
            nodes=nodes,
            scrapyd_nodes=tuple(ScrapydNode(name=name, port=next(ports)) for name in SCRAPYD_NODES),
            voter_port=next(ports),
            redis_port=next(ports),
            supervisor_port=next(ports),
            password=secrets.token_hex(12),
        )

    @classmethod
    def load(cls, folder: Path) -> Plan | None:
        """Read the plan of a folder; None where no cluster has been made."""
        try:
            values = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
            scrapyd_nodes = tuple(ScrapydNode(**node) for node in values.get("scrapyd_nodes", ()))
            nodes = tuple(Node(**node) for node in values["nodes"])
            return cls(**values | {"nodes": nodes, "scrapyd_nodes": scrapyd_nodes})
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ClusterError(f"{error.filename} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ClusterError(f"{folder}/plan.json is no plan ({error}): mend it, or remove {folder}") from error

    def completed(self) -> Plan:
        """Return the plan with what those of earlier versions lack: Scrapyd nodes."""
        if self.scrapyd_nodes:
            return self
        pairs = zip(SCRAPYD_NODES, _free_ports(len(SCRAPYD_NODES)), strict=True)
        return replace(self, scrapyd_nodes=tuple(ScrapydNode(name=name, port=port) for name, port in pairs))

    def save(self, folder: Path) -> None:
        """Write the plan into the folder of the cluster."""
        written = folder / "plan.json.new"
        written.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        written.replace(folder / "plan.json")

    @property
    def redis_url(self) -> str:
        """The value of REDIS_URL; redis-cli 6.2 takes an empty user for a wrong one."""
        return f"redis://default:{self.password}@{HOST}:{self.redis_port}/0"

    @property
    def database_url(self) -> str:
        """The value of DATABASE_URL: both nodes, whichever is primary."""
        hosts = ",".join(f"{HOST}:{node.postgres_port}" for node in self.nodes)
        return f"postgresql://images:{self.password}@{hosts}/images"

    @property
    def patroni_urls(self) -> str:
        """The value of PATRONI_URLS."""
        return ",".join(f"http://{REST_USER}:{self.password}@{HOST}:{node.rest_port}" for node in self.nodes)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker needs to use the cluster."""
        return {"REDIS_URL": self.redis_url, "DATABASE_URL": self.database_url, "PATRONI_URLS": self.patroni_urls}

    @property
    def scrapyd_environment(self) -> dict[str, str]:
        """The user of the Scrapyd nodes, as Scrapyd and `deploy/deploy.py` read it."""
        return {"SCRAPYD_USERNAME": SCRAPYD_USER, "SCRAPYD_PASSWORD": self.password}

    def taken_ports(self) -> str:
        """Return which ports of the cluster somebody listens on, with what they are for; empty: none."""
        uses = {self.supervisor_port: "supervisor", self.redis_port: "Redis", self.voter_port: "voter"}
        for node in self.nodes:
            uses |= {node.postgres_port: f"PostgreSQL {node.name}", node.rest_port: f"Patroni {node.name}"}
            uses |= {node.raft_port: f"raft {node.name}"}
        uses |= {node.port: f"Scrapyd {node.name}" for node in self.scrapyd_nodes}
        return ", ".join(f"{port} ({use})" for port, use in uses.items() if not _is_free(port))


def _free_ports(number: int) -> Sequence[int]:
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        if _is_free(port):
            found.append(port)
        if len(found) == number:
            return found
    raise ClusterError(f"there are not {number} free ports from {PORTS.start} to {PORTS.stop - 1} on {HOST}")


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
