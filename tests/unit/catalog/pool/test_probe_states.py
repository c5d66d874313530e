"""libpq tells of a failed connection in words alone."""

from __future__ import annotations

import pytest

from image_spider.catalog.pool.probe import state_of


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ('FATAL:  password authentication failed for user "me"', "refused"),
        ("fe_sendauth: no password supplied", "refused"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me", database "images", no encryption', "refused"),
        ('FATAL:  role "me" does not exist', "refused"),
        ('FATAL:  role "me" is not permitted to log in', "refused"),
        ('FATAL:  database "images" does not exist', "refused"),
        ('FATAL:  permission denied for database "images"', "refused"),
        ("server does not support SSL, but SSL was required", "refused"),
        ("SSL error: certificate verify failed", "refused"),
        ("FATAL:  sorry, too many clients already", "full"),
        ('FATAL:  too many connections for role "me"', "full"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "full"),
        ("FATAL:  the database system is starting up", "starting"),
        ("FATAL:  the database system is shutting down", "starting"),
        ("FATAL:  the database system is not yet accepting connections", "starting"),
        ("Connection refused Is the server running on that host?", "unreachable"),
        ("timeout expired", "unreachable"),
        ("FATAL:  canceling authentication due to timeout", "unreachable"),
        ("server closed the connection unexpectedly", "unreachable"),
        ('could not translate host name "db" to address: Name or service not known', "unreachable"),
    ],
)
def test_the_message_tells_the_state(message: str, state: str):
    assert state_of(message) == state
