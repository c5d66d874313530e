"""DATABASE_URL with one host or several -> addresses, and what else libpq needs to connect to any of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg2
from psycopg2.extensions import parse_dsn

from image_spider.exceptions import UsageError

PORT = 5432


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where one server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return `host:port`; an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The servers of one URL; parameters are libpq's, without host and port."""

    addresses: tuple[Address, ...]
    parameters: dict[str, str] = field(repr=False)  # holds the password


def parse_url(url: str) -> Cluster:
    """Read `postgresql://user:password@h1:p1,h2:p2/db?option=value`; raises UsageError.

    One port may stand for all hosts, as in libpq. Which host is the primary is found out, never told by the URL.
    """
    try:
        parameters = parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise UsageError("DATABASE_URL", "...", " ".join(str(error).split())) from None  # it holds a password
    parameters.pop("target_session_attrs", None)
    hosts = parameters.pop("host", "localhost").split(",")
    ports = parameters.pop("port", "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts):
        raise UsageError("DATABASE_URL", ",".join(hosts), f"as many ports as hosts, or one; not {len(ports)}")
    addresses = [Address(host or "localhost", int(port or PORT)) for host, port in zip(hosts, ports, strict=True)]
    return Cluster(addresses=tuple(dict.fromkeys(addresses)), parameters=parameters)
