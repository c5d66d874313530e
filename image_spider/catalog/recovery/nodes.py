"""One patient look at every server of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from image_spider.catalog.pool.address import Address, Cluster
from image_spider.catalog.pool.choice import choose_primary, with_lag
from image_spider.catalog.pool.connect import connect
from image_spider.catalog.pool.node import Node
from image_spider.catalog.pool.probe import probe

STREAMS = "select exists (select from pg_stat_wal_receiver)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The servers in the order of the URL, and which of the standbys have a connection to their primary."""

    nodes: tuple[Node, ...]
    streaming: frozenset[Address]


def look_at(cluster: Cluster) -> Look:
    """Probe all servers at once, each for as long as it takes, at most some seconds; never raises."""
    with ThreadPoolExecutor(len(cluster.addresses), thread_name_prefix="probe") as threads:
        nodes = tuple(threads.map(lambda address: probe(address, cluster.parameters), cluster.addresses))
        standbys = [node.address for node in nodes if node.role == "standby"]
        streams = threads.map(lambda address: _streams(address, cluster.parameters), standbys)
        streaming = frozenset(standby for standby, yes in zip(standbys, streams, strict=True) if yes)
    return Look(nodes=with_lag(nodes, choose_primary(nodes).primary), streaming=streaming)


def _streams(address: Address, parameters: Mapping[str, str]) -> bool:
    try:
        with closing(connect(address, parameters)) as connection, connection.cursor() as cursor:
            cursor.execute(STREAMS)
            return bool(cursor.fetchone()[0])
    except psycopg2.Error:  # it has gone since: the next look will say so
        return False
