"""What workers share in Redis: bans, counts, the list; and that a Redis which forgets or is full does no harm."""

from __future__ import annotations

import pytest

from image_spider.exceptions import UsageError
from image_spider.proxies.bans import BanRules
from image_spider.proxies.member import Outcome
from image_spider.proxies.proxy import parse
from image_spider.proxies.sharing import SYNC_SECONDS
from image_spider.proxies.tally import Tally
from tests.integration.proxies.workers import PROXIES, A, Run, Workers


def test_a_ban_here_is_a_ban_there_after_one_exchange_each(run: Run):
    async def scenario(workers: Workers) -> None:
        one, other = workers.worker(), workers.worker()
        await other.sharing.exchange()
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        assert other.pool.admitted(A, "h")
        await other.sharing.exchange()
        assert other.pool.admitted(A, "h") is None
        assert other.pool.admitted(A, "elsewhere")
        ((pair, ban),) = (await workers.shared.bans()).items()
        assert (pair, ban.reason, ban.strikes) == ((A, "h"), "HTTP 403", 1)

    run(scenario)


def test_two_exchanges_take_less_than_the_second_in_which_a_ban_must_be_known():
    assert 2 * SYNC_SECONDS <= 0.5


def test_workers_that_ban_at_once_make_one_strike(run: Run):
    async def scenario(workers: Workers) -> None:
        fleet = [workers.worker() for _ in range(4)]
        for worker in fleet:
            await worker.sharing.exchange()
            worker.ask(Outcome.BANNED)
        for worker in fleet:
            await worker.sharing.exchange()
        assert [ban.strikes for ban in (await workers.shared.bans()).values()] == [1]
        rests = {round(worker.pool.soonest("h") or 0, 3) for worker in fleet}
        assert rests == {0}  # the other proxy
        untils = (await workers.command("HGET", ":bans", f"{A} h")).split()[0]
        assert all(worker.pool._bans._bans[A, "h"].to_text().split()[0] == untils.decode() for worker in fleet)

    run(scenario)


def test_the_next_ban_is_longer_whoever_tells_it(run: Run):
    async def scenario(workers: Workers) -> None:
        one, other = (workers.worker(rules=BanRules(first=0.001, longest=600)) for _ in range(2))
        for worker in (one, other, one):
            await worker.sharing.exchange()
            while not worker.pool.admitted(A, "h"):
                await worker.sharing.exchange()
            worker.ask(Outcome.BANNED)
            await worker.sharing.exchange()
        assert [ban.strikes for ban in (await workers.shared.bans()).values()] == [3]

    run(scenario)


def test_counts_are_those_of_all_workers_by_proxy_and_by_host(run: Run):
    async def scenario(workers: Workers) -> None:
        one, other = workers.worker(), workers.worker()
        for _ in range(3):
            one.ask(Outcome.OK)
            other.ask(Outcome.UNWELL, host="g")
            await one.sharing.exchange()
            await other.sharing.exchange()
        await one.sharing.exchange()
        expected = Tally(ok=3, failed=3, ms=600)
        assert one.pool.known(A) == other.pool.known(A) == expected
        assert await workers.shared.tallies() == {A: expected}
        assert await workers.shared.hosts(A) == {"h": Tally(ok=3, ms=600), "g": Tally(failed=3)}
        late = workers.worker()
        await late.sharing.exchange()
        assert late.pool.known(A) == expected
        assert late.pool._members[A].rating.success < 0.8

    run(scenario)


def test_a_proxy_keeps_the_last_thousand_hosts(run: Run):
    async def scenario(workers: Workers) -> None:
        one = workers.worker()
        for number in range(1200):
            one.ask(Outcome.OK, host=f"h{number}")
        calls = workers.client.calls
        await one.sharing.exchange()
        assert workers.client.calls - calls <= 4, (
            "500 counts go in one call; a new server asks for the script once more"
        )
        assert len(await workers.shared.hosts(A)) == 1000
        assert await workers.shared.tallies() == {A: Tally(ok=1200, ms=240_000)}

    run(scenario)


def test_nothing_is_told_again_and_an_idle_worker_hears_little(run: Run):
    async def scenario(workers: Workers) -> None:
        one = workers.worker()
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        version = one.sharing._version
        for _ in range(3):
            await one.sharing.exchange()
        assert one.sharing._version == version == 1
        synced = await workers.shared.sync(known=version, pending=one.pool.take_pending())
        assert not synced.news.bans
        assert not synced.news.tallies

    run(scenario)


def test_the_list_changes_while_workers_run(run: Run):
    async def scenario(workers: Workers) -> None:
        one = workers.worker(lists=True)
        await one.sharing.exchange()
        assert one.pool.begin("h") is None
        assert await workers.shared.add(PROXIES) == 2
        await one.sharing.exchange()
        assert set(one.pool.proxies) == set(PROXIES)
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        assert await workers.shared.add([parse("me:other@b:2")]) == 0
        assert await workers.shared.remove([A, "no such"]) == 1
        await one.sharing.exchange()
        assert [proxy.password for proxy in one.pool.proxies] == ["other"]
        assert A not in await workers.shared.tallies()

    run(scenario)


def test_a_new_worker_knows_the_bans_of_a_list_that_it_has_just_read(run: Run):
    async def scenario(workers: Workers) -> None:
        await workers.shared.add(PROXIES)
        one, late = workers.worker(lists=True), workers.worker(lists=True)
        for _ in range(2):
            await one.sharing.exchange()
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        for _ in range(2):
            await late.sharing.exchange()
        assert late.pool.admitted(A, "h") is None
        assert late.pool.known(A) == Tally(banned=1)

    run(scenario)


def test_credentials_are_in_the_list_alone(run: Run):
    async def scenario(workers: Workers) -> None:
        await workers.shared.add(PROXIES)
        one = workers.worker()
        for outcome in (Outcome.OK, Outcome.BANNED):
            one.ask(outcome, avoid=A)
        await one.sharing.exchange()
        for key in await workers.client.keys(f"{workers.name.replace('{', '[{]')}*"):
            if not key.endswith(b":proxies"):
                assert b"geheim" not in await workers.client.command("DUMP", key), key

    run(scenario)


def test_what_is_wrong_in_the_list_is_told_without_it(run: Run):
    async def scenario(workers: Workers) -> None:
        await workers.command("HSET", "", "x", "me:geheim@nowhere")
        await workers.command("INCRBY", ":listed", 1)
        with pytest.raises(UsageError, match="scrapy proxies --add") as refusal:
            await workers.worker(lists=True).sharing.exchange()
        assert "geheim" not in str(refusal.value)

    run(scenario)


def test_a_redis_that_has_forgotten_everything_is_told_anew(run: Run):
    async def scenario(workers: Workers) -> None:
        one, other = workers.worker(), workers.worker()
        for _ in range(3):
            one.ask(Outcome.OK)
            await one.sharing.exchange()
        await other.sharing.exchange()
        for key in await workers.client.keys(f"{workers.name.replace('{', '[{]')}*"):
            await workers.client.command("DEL", key)
        one.ask(Outcome.BANNED)
        await one.sharing.exchange()
        await other.sharing.exchange()  # it learns that its version is of another time ...
        await other.sharing.exchange()  # ... and what there is
        assert other.pool.admitted(A, "h") is None

    run(scenario)


@pytest.mark.parametrize("told", [1, 1600])
def test_what_many_bans_are_is_heard_in_parts(run: Run, told: int):
    async def scenario(workers: Workers) -> None:
        one, late = workers.worker(), workers.worker()
        for number in range(1600):
            one.ask(Outcome.BANNED, host=f"h{number}")
            if number % told == 0:
                await one.sharing.exchange()
        await one.sharing.exchange()
        calls = workers.client.calls
        await late.sharing.exchange()
        assert workers.client.calls - calls == 2
        assert len(late.pool._bans._bans) == 1600
        assert late.pool.known(A) == Tally(banned=1600)
        calls = workers.client.calls
        await late.sharing.exchange()
        assert workers.client.calls - calls == 1

    run(scenario)


def test_one_worker_at_a_time_probes(run: Run):
    async def scenario(workers: Workers) -> None:
        asked = [await workers.shared.may_probe(worker=worker, seconds=30) for worker in "abc"]
        assert asked == [True, False, False]

    run(scenario)
