"""Sessions of SOCKS5 proxies do not pile up, and none is closed while it is used."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from image_spider.proxies import sessions
from image_spider.proxies.proxy import parse
from image_spider.proxies.sessions import ProxySessions
from tests.proxies import RealProxy
from tests.sites import Site

PROXIES = [parse(f"socks5://127.0.0.1:{port}") for port in range(1, 6)]


@pytest.fixture(autouse=True)
def two_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "KEPT", 2)


def test_those_that_were_used_last_are_kept_and_the_others_closed():
    async def work() -> None:
        pool, made = ProxySessions(), []
        for proxy in (*PROXIES[:3], PROXIES[1], PROXIES[3]):
            async with pool.session(proxy) as session:
                made.append(session)
                assert not session.closed
        one, two, three, again, four = made
        assert two is again
        assert [session.closed for session in (one, two, three, four)] == [True, False, True, False]
        await pool.close()
        assert all(session.closed for session in made)

    asyncio.run(work())


def test_what_is_lent_is_not_closed_until_all_have_given_it_back():
    async def work() -> None:
        pool = ProxySessions()
        async with AsyncExitStack() as stack:
            lent = [await stack.enter_async_context(pool.session(proxy)) for proxy in PROXIES[:3]]
            async with pool.session(PROXIES[0]) as first:
                assert first is lent[0]
            async with pool.session(PROXIES[4]) as last:
                assert not any(session.closed for session in lent)
            assert last.closed
            assert not any(session.closed for session in lent)
        assert sum(not session.closed for session in lent) == 2
        await pool.close()

    asyncio.run(work())


def test_http_proxies_share_one_session():
    async def work() -> None:
        pool = ProxySessions()
        async with pool.session(parse("a:1")) as one, pool.session(parse("b:1")) as other:
            assert one is other
        assert not one.closed
        await pool.close()
        assert one.closed

    asyncio.run(work())


def test_an_answer_is_read_to_its_end_while_others_come_and_go():
    async def work() -> bytes:
        pool = ProxySessions()
        async with pool.session(parse(proxy.url("socks5"))) as session, session.get(f"{site.url}/page") as response:
            for other in PROXIES:
                async with pool.session(other):
                    pass
            body = await response.read()
        await pool.close()
        return body

    with Site({"/page": "<p>hello</p>"}) as site, RealProxy() as proxy:
        assert asyncio.run(work()) == b"<p>hello</p>"
