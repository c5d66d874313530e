"""REDIS_URL -> a client of redis-py, whose own retries are off."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

Connection = Redis | RedisCluster
SENTINEL_PORT = 26379
REDIS_PORT = 6379


def open_connection(url: str, *, name: str, timeout_seconds: float) -> Connection:
    """Make the client for a URL that config.py has checked; nothing is connected yet.

    Query options are redis-py's (`ssl_ca_certs`, `ssl_cert_reqs` ...), and `sentinel_username`, `sentinel_password`.
    """
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    credentials, _, places = parts.netloc.rpartition("@")
    path = parts.path.strip("/").split("/")
    service, database = (path[0], path[1:]) if kind == "sentinel" else ("", path)
    options: dict[str, Any] = dict(
        parse_url(f"{scheme}://{credentials}{'@' if credentials else ''}localhost/{'/'.join(database)}?{parts.query}")
    )
    del options["host"]
    secure = options.pop("connection_class", None) is SSLConnection
    options |= {"ssl": True} if secure else {}
    sockets: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
    }
    common: dict[str, Any] = sockets | {"client_name": name, "protocol": 2}
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in _places(places, REDIS_PORT)]
        options.pop("db", None)
        return RedisCluster(startup_nodes=nodes, **common, **options)
    if kind == "sentinel":
        own = {key: options.pop(f"sentinel_{key}", None) for key in ("username", "password")}
        tls = {key: value for key, value in options.items() if key.startswith("ssl")}
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            _places(places, SENTINEL_PORT), sentinel_kwargs=sockets | own | tls | {"protocol": 2}, **common, **options
        )
        master: Redis = sentinel.master_for(service)
        return master
    [(host, port)] = _places(places, REDIS_PORT)
    return Redis(host=host, port=port, **common, **options)


async def close_connection(connection: Connection) -> None:
    """Close everything, also what redis-py forgets: nodes of a Cluster that never answered, and the Sentinels."""
    if isinstance(connection, RedisCluster):
        for node in connection.startup_nodes:
            await node.disconnect()
    elif isinstance(connection.connection_pool, SentinelConnectionPool):
        for sentinel in connection.connection_pool.sentinel_manager.sentinels:
            await sentinel.aclose()
    await connection.aclose()


def _places(text: str, port: int) -> list[tuple[str, int]]:
    """Split `h1:p,[::1]:p,h3` into pairs of host and port."""
    found = [urlsplit(f"//{place}") for place in text.split(",")]
    return [(place.hostname or "localhost", place.port or port) for place in found]
