"""One connection to one server, bounded in every way that libpq and the kernel offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.connection import Connection, Cursor

CONNECT_SECONDS = 2  # for TCP, TLS and the password together; libpq counts whole seconds
# A peer that vanishes is noticed by keepalives while we wait for it and by tcp_user_timeout while it owes us an
# acknowledgement: either alone leaves a case that waits for a quarter of an hour.
SOCKET_OPTIONS: Mapping[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # milliseconds
}

# Indexes lie in memory or on SSDs, and the search for near-duplicates, which the planner takes for 20 times
# jit_above_cost at a million images, must not be compiled at each batch: docs/how-to/upgrade-the-catalog.md.
PLANNER = "-c random_page_cost=1.1 -c jit=off"
# A warning is what a COMMIT that no standby has says; its words are in the server's language. Nothing less may be told.
NOTICES = "-c client_min_messages=warning"


def connect(address: Address, parameters: Mapping[str, str], *, options: str = "") -> Connection:
    """Connect to exactly this server, whatever its role; raises psycopg2.OperationalError.

    parameters are libpq's, those of the URL, and win over the defaults here and over options, but for what notices are
    told. The server's own random_page_cost, jit and client_min_messages do not count.
    """
    defaults = {"connect_timeout": CONNECT_SECONDS, "application_name": "image_spider", **SOCKET_OPTIONS}
    known = defaults | dict(parameters)
    known["options"] = f"{PLANNER} {options} {known.get('options', '')} {NOTICES}"
    connection: Connection = psycopg2.connect(
        **known, host=address.host, port=address.port, connection_factory=Connection, cursor_factory=Cursor
    )
    connection.address = address
    return connection
