from __future__ import annotations

from dataclasses import dataclass

from image_spider.politeness.breaker import breaker_at, is_down
from image_spider.politeness.host_state import Breaker, HostState, Observation
from image_spider.politeness.pace import after, fresh
from image_spider.politeness.rules import Rules

RULES = Rules(failures=3, first_open=10, openings=2, down=100, places=4)
REFUSED_CONNECTION = Observation(cause="connection")
WELL = Observation(status=200)


@dataclass
class Host:
    """A host whose state follows from what is observed, one second after the other."""

    state: HostState
    now: float = 1000.0

    def sees(self, observation: Observation, times: int = 1) -> Breaker:
        for _ in range(times):
            self.now += 1
            self.state = after(self.state, observation, now=self.now, rules=RULES)
        return self.breaker

    @property
    def breaker(self) -> Breaker:
        return breaker_at(self.state, self.now)

    def wait_for_the_probe(self) -> None:
        self.now = max(self.now, self.state.closed_until)
        assert self.breaker is Breaker.HALF_OPEN


def a_host() -> Host:
    return Host(fresh(RULES))


def test_failures_in_a_row_open_the_breaker_and_an_answer_in_between_does_not():
    host = a_host()
    assert host.sees(REFUSED_CONNECTION, 2) is Breaker.CLOSED
    assert host.sees(Observation(status=404)) is Breaker.CLOSED
    assert host.sees(REFUSED_CONNECTION, 2) is Breaker.CLOSED
    assert host.sees(REFUSED_CONNECTION) is Breaker.OPEN
    assert host.state.closed_until == host.now + 10
    assert host.state.reason == "3 requests in a row failed: connection"


def test_an_open_breaker_has_one_place_for_the_probe_that_closes_it():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    assert host.state.places == 1
    host.wait_for_the_probe()
    assert host.sees(WELL) is Breaker.CLOSED
    assert (host.state.places, host.state.closed_until, host.state.failures, host.state.openings) == (4, 0, 0, 0)


def test_a_failed_probe_opens_the_breaker_for_twice_as_long_and_after_its_budget_the_host_is_given_up():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    host.wait_for_the_probe()
    assert host.sees(REFUSED_CONNECTION) is Breaker.OPEN
    assert host.state.closed_until == host.now + 20
    host.wait_for_the_probe()
    assert host.sees(REFUSED_CONNECTION) is Breaker.GIVEN_UP
    assert host.state.closed_until == host.now + 100
    assert is_down(host.state, host.now)


def test_a_host_that_was_given_up_is_probed_after_its_time_and_given_up_again_by_one_failure():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    for _ in range(2):
        host.wait_for_the_probe()
        host.sees(REFUSED_CONNECTION)
    host.wait_for_the_probe()
    assert not is_down(host.state, host.now)
    assert host.sees(REFUSED_CONNECTION) is Breaker.GIVEN_UP
    host.wait_for_the_probe()
    assert host.sees(WELL) is Breaker.CLOSED


def test_what_was_sent_before_the_breaker_opened_is_no_probe():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    host.wait_for_the_probe()
    before = host.state
    late = Observation(cause="timeout", seconds=60)
    assert host.sees(late) is Breaker.HALF_OPEN
    assert host.state == before


def test_failures_while_it_is_open_tell_nothing_new_and_an_answer_closes_it():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    before = host.state
    host.sees(REFUSED_CONNECTION, 5)
    assert host.state == before
    assert host.sees(WELL) is Breaker.CLOSED


def test_a_server_error_is_a_failure_and_a_client_error_is_not():
    host = a_host()
    assert host.sees(Observation(status=500), 3) is Breaker.OPEN
    host = a_host()
    assert host.sees(Observation(status=404), 20) is Breaker.CLOSED


def test_our_own_doing_tells_nothing_of_a_host():
    host = a_host()
    before = host.state
    for cause in ("too_large", "robots", "refused", "bad_url", "host_down", "data_loss"):
        host.sees(Observation(cause=cause), 20)
    assert host.state is before


def test_a_host_that_refuses_for_ever_is_given_up_once_it_cannot_be_made_slower():
    host = a_host()
    host.sees(Observation(status=429), 10)
    assert host.state.delay == RULES.longest_delay
    assert host.sees(Observation(status=429), 3) is Breaker.OPEN
    for _ in range(2):
        host.wait_for_the_probe()
        host.sees(Observation(status=429))
    assert host.breaker is Breaker.GIVEN_UP


def test_a_dead_host_costs_its_budget_however_much_time_passes():
    host, asked = a_host(), 0
    while not is_down(host.state, host.now):
        if host.breaker is Breaker.OPEN:
            host.wait_for_the_probe()
        host.sees(REFUSED_CONNECTION)
        asked += 1
    assert asked == RULES.failures + RULES.openings


def test_a_state_is_the_same_after_a_journey_as_text():
    host = a_host()
    host.sees(REFUSED_CONNECTION, 3)
    assert HostState.from_text(host.state.to_text()) == host.state
