"""What is shown of a catalog's URL."""

from __future__ import annotations

import pytest

from image_spider.catalog.engine import public_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/catalog.sqlite3", "sqlite:///data/catalog.sqlite3"),
        ("postgresql://me@one,two/db", "postgresql://me@one,two/db"),
        ("postgresql://me:ge:heim@one,two/db", "postgresql://me:***@one,two/db"),
        (
            "postgresql://one/db?user=me&password=ge/heim&sslpassword=x&sslrootcert=/etc/ssl/ca.pem",
            "postgresql://one/db?user=me&password=***&sslpassword=***&sslrootcert=/etc/ssl/ca.pem",
        ),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, shown: str):
    assert public_url(url) == shown
