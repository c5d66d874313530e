"""When a lease is given up: not before the engine let it go and Redis has its links."""

from __future__ import annotations

from scrapy import Request

from image_spider.broker.records import Leased, Nack
from image_spider.frontier.leases import HeldLeases


def leased(number: int) -> Leased:
    return Leased(id=f"{number}", token="t", attempt=1, crawl="c", host="h", priority=0, payload=b"")


class Engine:
    def __init__(self) -> None:
        self.in_progress: set[Request] = set()
        self.added = 0
        self.leases = HeldLeases(in_progress=lambda: self.in_progress, position=lambda: self.added)

    def take(self, number: int) -> Request:
        request = Request(f"https://a.example/{number}")
        self.leases.add(request, leased(number))
        self.in_progress.add(request)
        return request


def test_a_lease_waits_for_the_engine_and_then_for_its_links():
    engine = Engine()
    request = engine.take(1)
    assert engine.leases.settled(0) == ([], [])
    engine.added = 3  # its links stand in the outbox
    engine.in_progress.clear()
    engine.leases.count(request, "pages")
    assert engine.leases.settled(2) == ([], [])
    assert engine.leases.waiting
    engine.added = 7  # links of other pages do not hold it up
    (finish,), nacks = engine.leases.settled(3)
    assert (finish.id, finish.token, finish.counters, nacks) == ("1", "t", {"pages": 1}, [])


def test_what_was_settled_comes_again_until_redis_took_it():
    engine = Engine()
    engine.take(1)
    engine.in_progress.clear()
    finishes, nacks = engine.leases.settled(0)
    assert engine.leases.settled(0) == (finishes, nacks)
    engine.leases.released(finishes, nacks)
    assert engine.leases.settled(0) == ([], [])
    assert not len(engine.leases)


def test_a_request_that_was_left_undone_goes_back_with_its_first_cause():
    engine = Engine()
    request = engine.take(1)
    engine.leases.give_back(request, "paused", attempted=False)
    engine.leases.give_back(request, "later", attempted=True)
    engine.in_progress.clear()
    assert engine.leases.settled(0) == ([], [Nack(id="1", token="t", cause="paused", attempted=False)])


def test_a_lease_that_was_never_handed_out_goes_back_at_once():
    engine = Engine()
    nack = Nack(id="9", token="t", cause="not now", attempted=False)
    engine.leases.add_nack(nack)
    assert engine.leases.settled(0) == ([], [nack])


def test_a_worker_that_was_declared_dead_has_nothing_to_give_up():
    engine = Engine()
    request = engine.take(1)
    engine.leases.forget()
    engine.leases.count(request, "pages")
    engine.in_progress.clear()
    assert engine.leases.settled(0) == ([], [])


def test_a_request_may_go_back_for_a_time():
    engine = Engine()
    request = engine.take(1)
    engine.leases.give_back(request, "its images' host is closed", attempted=False, seconds=60.5)
    engine.in_progress.clear()
    (_, (nack,)) = engine.leases.settled(0)
    assert (nack.delay_ms, nack.attempted) == (60_500, False)
