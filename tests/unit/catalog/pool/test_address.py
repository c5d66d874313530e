"""What is read out of a URL, and what stays out of sight."""

from __future__ import annotations

import pytest

from image_spider.catalog.pool.address import Address, parse_url
from image_spider.exceptions import UsageError


@pytest.mark.parametrize(
    ("places", "addresses"),
    [
        ("db", [Address("db", 5432)]),
        ("db:6000", [Address("db", 6000)]),
        ("one:1,two:2", [Address("one", 1), Address("two", 2)]),
        ("one,two:2", [Address("one", 5432), Address("two", 2)]),
        ("[::1]:1,10.0.0.2", [Address("::1", 1), Address("10.0.0.2", 5432)]),
        ("same:1,same:1", [Address("same", 1)]),
    ],
)
def test_every_host_of_a_url_is_an_address(places: str, addresses: list[Address]):
    assert list(parse_url(f"postgresql://me@{places}/images").addresses) == addresses


def test_the_rest_of_a_url_is_for_libpq():
    cluster = parse_url("postgresql://me:p%40ss@one,two/images?sslmode=require&target_session_attrs=primary")
    assert cluster.parameters == {"user": "me", "password": "p@ss", "dbname": "images", "sslmode": "require"}
    assert "p@ss" not in repr(cluster)


def test_a_url_that_libpq_does_not_understand_is_refused_without_its_password():
    with pytest.raises(UsageError, match="invalid URI query parameter") as refused:
        parse_url("postgresql://me:secret@db/images?nonsense=1")
    assert "secret" not in str(refused.value)


def test_ports_that_do_not_fit_the_hosts_are_refused():
    with pytest.raises(UsageError, match="as many ports as hosts"):
        parse_url("host=a,b,c port=1,2")


@pytest.mark.parametrize(("address", "text"), [(Address("db", 1), "db:1"), (Address("::1", 1), "[::1]:1")])
def test_an_address_reads_as_in_a_url(address: Address, text: str):
    assert str(address) == text
