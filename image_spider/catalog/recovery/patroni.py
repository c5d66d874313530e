"""Patroni's REST API, as far as recovery needs it: its members, and to have a standby made anew."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.patroni import LEADS, PatroniUrl, same_server
from image_spider.exceptions import CatalogError

ANSWER_SECONDS = 10.0
UNAUTHORIZED = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A server as Patroni knows it: where its own API listens, and whether it leads."""

    name: str
    address: Address
    api: PatroniUrl
    leads: bool


def members(patronis: Iterable[PatroniUrl]) -> list[Member]:
    """Ask one Patroni after the other for the members of its cluster; raises CatalogError when none answers.

    Each member is asked later with the user and password of the Patroni that answered.
    """
    reasons = []
    for patroni in patronis:
        try:
            return [
                Member(
                    name=member["name"],
                    address=Address(str(member["host"]), int(member["port"])),
                    api=PatroniUrl(
                        url=str(member["api_url"]).removesuffix("/patroni"), authorization=patroni.authorization
                    ),
                    leads=member["role"] in LEADS,
                )
                for member in _members(patroni)
            ]
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            reasons.append(f"{patroni.url}: {error}")
    raise CatalogError(f"no Patroni of PATRONI_URLS answers: {'; '.join(reasons)}")


def reinitialize(found: Iterable[Member], address: Address) -> str:
    """Have Patroni make a standby anew from the leader; return the member's name.

    Refused, with CatalogError, for a leader, without a leader, and for a server that is no member.
    """
    found = list(found)
    member = next((member for member in found if same_server(member.address, address)), None)
    if member is None:
        known = ", ".join(f"{member.name} at {member.address}" for member in found)
        raise CatalogError(f"Patroni knows no member at {address}: its members are {known}")
    if member.leads or not any(other.leads for other in found):
        raise CatalogError(f"{member.name} is not made anew: it leads, or nobody does")
    try:
        _ask(member.api, "reinitialize", {"force": True})
    except (OSError, HTTPException, ValueError) as error:
        remedy = ""
        if isinstance(error, HTTPError):
            error.close()
            if error.code in UNAUTHORIZED:
                remedy = ": PATRONI_URLS takes the user and password of its restapi, http://USER:PASSWORD@HOST:PORT"
        raise CatalogError(f"Patroni does not make {member.name} anew: {error}{remedy}") from error
    return member.name


def _members(patroni: PatroniUrl) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = _ask(patroni, "cluster")["members"]
    return told


def _ask(patroni: PatroniUrl, path: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST a body; return the JSON or text of the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if patroni.authorization:
        headers["Authorization"] = patroni.authorization
    request = urllib.request.Request(f"{patroni.url}/{path}", data=data, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - the user's own setting
        text = answer.read().decode("utf-8", "replace")
    return json.loads(text) if body is None else text
