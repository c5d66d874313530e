"""What is asked of Patroni's REST API, and what is not."""

from __future__ import annotations

import pytest

from image_spider.catalog.pool.address import Address
from image_spider.catalog.pool.patroni import leader, patroni_urls
from image_spider.catalog.recovery.patroni import members, reinitialize
from image_spider.exceptions import CatalogError
from tests.integration.backups.patroni_api import Api
from tests.servers import free_port


def test_a_standby_is_made_anew_by_its_own_patroni(patroni: str):
    Api.roles = {"one": "leader", "two": "sync_standby"}
    found = members(patroni_urls(f"http://127.0.0.1:{free_port()},{patroni}"))  # the first one is away
    assert reinitialize(found, Address("two", 5432)) == "two"
    assert Api.asked == [("/reinitialize", {"force": True})]


@pytest.mark.parametrize(
    ("roles", "name", "reason"),
    [
        ({"one": "leader", "two": "replica"}, "one", "one is not made anew"),
        ({"one": "replica", "two": "replica"}, "two", "two is not made anew: it leads, or nobody does"),
        ({"one": "leader"}, "two", "Patroni knows no member at two:5432: its members are one at one:5432"),
    ],
)
def test_what_may_hold_the_only_copy_is_left_alone(patroni: str, roles: dict[str, str], name: str, reason: str):
    Api.roles = roles
    with pytest.raises(CatalogError, match=reason):
        reinitialize(members(patroni_urls(patroni)), Address(name, 5432))
    assert Api.asked == []


def test_no_patroni_that_answers_is_an_error():
    with pytest.raises(CatalogError, match=r"no Patroni of PATRONI_URLS answers: .*refused") as raised:
        members(patroni_urls(f"http://keeper:geheim@127.0.0.1:{free_port()}"))
    assert "geheim" not in str(raised.value)


def test_a_wrong_password_is_told_with_where_it_belongs(patroni: str):
    Api.roles = {"one": "leader", "two": "replica"}
    wrong = patroni.replace("p%40ss", "geheim")
    with pytest.raises(CatalogError, match=r"401.*PATRONI_URLS takes the user and password") as raised:
        reinitialize(members(patroni_urls(wrong)), Address("two", 5432))
    assert Api.asked == []
    assert "geheim" not in str(raised.value)


def test_the_leader_is_told_by_those_that_answer(patroni: str):
    public = patroni_urls(patroni)[0].url
    away = f"http://127.0.0.1:{free_port()}"
    Api.roles = {"one": "replica", "two": "leader"}
    assert leader([away, public], [Address("two", 5432)]) == Address("two", 5432)
    assert leader([away], [Address("two", 5432)]) is None
    Api.roles = {"one": "replica"}
    assert leader([public], [Address("two", 5432)]) is None
