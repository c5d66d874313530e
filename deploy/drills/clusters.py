"""The cluster of a drill: one that runs already, or one made for it; with a database of the drill's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import redis

from deploy.local_cluster.cluster import LocalCluster, make_tables
from deploy.local_cluster.plan import HOST, Node, Plan

REDIS_DATABASE = 15  # of 16; the workers of a fleet use 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillCluster:
    """A local cluster and the name of the drill's database on it."""

    folder: Path
    plan: Plan
    database: str

    @property
    def environment(self) -> dict[str, str]:
        """What the drill's workers need."""
        given = self.plan.environment
        return given | {
            "REDIS_URL": given["REDIS_URL"].removesuffix("0") + str(REDIS_DATABASE),
            "DATABASE_URL": given["DATABASE_URL"].removesuffix("images") + self.database,
        }

    def connect(self, *nodes: Node, database: str | None = None) -> psycopg2.extensions.connection:
        """Connect as superuser, in autocommit: to this node, or without nodes to the primary among all."""
        nodes = nodes or self.plan.nodes
        connection = psycopg2.connect(
            host=",".join(HOST for _ in nodes),
            port=",".join(str(node.postgres_port) for node in nodes),
            user="postgres",
            password=self.plan.password,
            dbname=database or self.database,
            connect_timeout=2,
            target_session_attrs="any" if len(nodes) == 1 else "primary",
        )
        connection.autocommit = True
        return connection


@contextmanager
def drill_cluster(folder: Path, scratch: Path, *, keep: bool) -> Iterator[DrillCluster]:
    """Give the cluster in a folder when it runs, else a new one below `scratch`, with an empty database."""
    cluster = LocalCluster(folder)
    if cluster.runs:
        with _database(cluster, keep=keep) as drill:
            yield drill
        return
    cluster = LocalCluster(scratch / "cluster")
    try:
        with _database(cluster, keep=True) as drill:
            yield drill
    finally:
        if not keep:
            cluster.stop()
            cluster.wipe()


@contextmanager
def _database(cluster: LocalCluster, *, keep: bool) -> Iterator[DrillCluster]:
    plan = cluster.up()
    drill = DrillCluster(folder=cluster.folder, plan=plan, database=f"drill_{uuid.uuid4().hex[:8]}")
    print(f"The cluster is in {cluster.folder}, the drill's database is {drill.database}")
    _clear_redis(drill)
    _on_server(drill, f"create database {drill.database} owner images")
    try:
        make_tables(drill.environment)
        yield drill
    finally:
        if not keep:
            _clear_redis(drill)
            _on_server(drill, f"drop database {drill.database} with (force)")


def _on_server(drill: DrillCluster, statement: str) -> None:
    with closing(drill.connect(database="postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _clear_redis(drill: DrillCluster) -> None:
    with redis.Redis.from_url(drill.environment["REDIS_URL"]) as client:
        client.flushdb()
