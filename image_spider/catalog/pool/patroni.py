"""PATRONI_URLS, and who holds the leader's lock by the REST APIs there."""

from __future__ import annotations

import json
import socket
import urllib.request
from base64 import b64encode
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

from image_spider.catalog.pool.address import Address

ANSWER_SECONDS = 2.0
ANSWER_BYTES = 1 << 20
LEADS = ("leader", "master")  # roles, by newer and older versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PatroniUrl:
    """The REST API of one Patroni; authorization is the header of that name, empty without a user."""

    url: str
    authorization: str = field(default="", repr=False)  # holds the password


def patroni_urls(setting: str) -> tuple[PatroniUrl, ...]:
    """Read PATRONI_URLS: `http://user:password@host:8008`, comma-separated; the user may be missing."""
    return tuple(_patroni_url(url) for url in setting.split(",") if url)


def lock_holder(url: str, addresses: Collection[Address]) -> Address | None:
    """Return which of these addresses is the leader by the Patroni at `url`, as `http://host:8008`.

    None: there is no leader now, or it is none of these. Names are resolved, as Patroni may know its members by
    addresses. Raises OSError when it does not answer, ValueError when that is no answer of Patroni's.
    """
    with urllib.request.urlopen(f"{url.rstrip('/')}/cluster", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        body = answer.read(ANSWER_BYTES)
    try:
        return leader_of(json.loads(body)["members"], addresses)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{url} is no REST API of Patroni") from error


def leader(urls: Iterable[str], addresses: Collection[Address]) -> Address | None:
    """Return which of these addresses holds the lock by every Patroni that names one; None when they differ.

    None as well when nobody answers: who asks then goes by what the servers say. Each is waited for some seconds.
    """
    named = set()
    for url in urls:
        with suppress(OSError, HTTPException, ValueError):
            named.add(lock_holder(url, addresses))
    named.discard(None)  # one that is cut off knows of nobody
    return named.pop() if len(named) == 1 else None


def leader_of(members: Collection[dict[str, Any]], addresses: Collection[Address]) -> Address | None:
    """Return the address of the member that leads, as one of ours."""
    for member in members:
        if member.get("role") in LEADS:
            leader = Address(str(member["host"]), int(member["port"]))
            return next((ours for ours in addresses if ours == leader or same_server(ours, leader)), None)
    return None


def same_server(one: Address, other: Address) -> bool:
    """Tell whether two addresses lead to one server: names are resolved."""
    return one.port == other.port and bool(_resolved(one.host) & _resolved(other.host))


def _patroni_url(url: str) -> PatroniUrl:
    parts = urlsplit(url)
    credentials, mark, host = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    basic = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return PatroniUrl(url=f"{parts.scheme}://{host}", authorization=f"Basic {basic}" if mark else "")


def _resolved(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return {host}
