"""Redis forgets of proxies what nobody needs any more."""

from __future__ import annotations

from image_spider.proxies.bans import BanRules
from image_spider.proxies.member import Outcome
from tests.integration.proxies.workers import PROXIES, A, B, Run, Workers


def test_bans_are_forgotten_after_their_time(run: Run):
    async def scenario(workers: Workers) -> None:
        one = workers.worker(rules=BanRules(first=0.001, longest=0.002))
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        while await workers.command("HLEN", ":bans"):
            await one.sharing.exchange()
        assert await workers.command("ZRANGE", ":forgotten", 0, -1) == [A.encode()]
        assert await workers.command("ZRANGE", ":changed", 0, -1) == [A.encode()]

    run(scenario)


def test_a_lifted_ban_is_told_and_then_forgotten_too(run: Run):
    async def scenario(workers: Workers) -> None:
        one, other = workers.worker(), workers.worker()
        one.ask(Outcome.BANNED)
        for worker in (one, other):
            await worker.sharing.exchange()
        assert other.pool.admitted(A, "h") is None
        one.pool._bans.lift(A, "h")
        for worker in (one, other):
            await worker.sharing.exchange()
        assert other.pool.admitted(A, "h")
        assert set(await workers.command("ZRANGE", ":changed", 0, -1)) == {A.encode(), f"{A} h".encode()}
        await workers.command("ZADD", ":forgotten", "XX", 1, f"{A} h")
        await one.sharing.exchange()
        for book in (":changed", ":forgotten"):
            assert await workers.command("ZRANGE", book, 0, -1) == [A.encode()]

    run(scenario)


def test_a_proxy_that_nobody_uses_any_more_is_forgotten(run: Run):
    async def scenario(workers: Workers) -> None:
        one = workers.worker()
        one.ask(Outcome.OK)
        one.ask(Outcome.OK, avoid=A)
        await one.sharing.exchange()
        left = await workers.command("ZSCORE", ":forgotten", A) - 1000 * await workers.shared.now()
        assert 29 * 86_400_000 < left <= 30 * 86_400_000
        await workers.command("ZADD", ":forgotten", 1, A)
        await one.sharing.exchange()
        assert set(await workers.shared.tallies()) == {B}
        assert await workers.shared.hosts(A) == {}
        keys = await workers.client.keys(f"{workers.name.replace('{', '[{]')}*")
        assert not [key for key in keys if key.endswith(A.encode())]
        for book in (":forgotten", ":changed"):
            assert await workers.command("ZRANGE", book, 0, -1) == [B.encode()]

    run(scenario)


def test_a_removed_proxy_does_not_come_back_with_its_last_counts(run: Run):
    async def scenario(workers: Workers) -> None:
        await workers.shared.add(PROXIES)
        one = workers.worker(lists=True)
        for _ in range(2):
            await one.sharing.exchange()
        one.ask(Outcome.OK)
        one.ask(Outcome.OK, avoid=A)
        await workers.shared.remove([A])
        await one.sharing.exchange()
        assert set(await workers.shared.tallies()) == {B}
        assert await workers.shared.hosts(A) == {}

    run(scenario)
