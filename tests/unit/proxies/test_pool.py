"""How a pool chooses, bans, forgives and shares; pure, on a clock of the test's own."""

from __future__ import annotations

import gc
import random
from collections import Counter

import pytest

from image_spider.proxies.bans import EVERYWHERE, Ban
from image_spider.proxies.changes import News
from image_spider.proxies.member import Outcome
from image_spider.proxies.proxy import parse
from image_spider.proxies.tally import Rating, Tally
from tests.unit.proxies.pools import Trial


def test_round_robin_takes_each_in_turn():
    trial = Trial(3, strategy="round_robin")
    assert [trial.ask() for _ in range(6)] == ["p0", "p1", "p2"] * 2


def test_random_takes_all_alike():
    counts = Trial(4, strategy="random").asked(4000)
    assert all(850 < count < 1150 for count in counts.values()), counts


def test_least_connections_takes_the_one_with_least_under_way():
    trial = Trial(3, strategy="least_connections")
    under_way = [trial.pool.begin("h") for _ in range(5)]
    assert Counter(one.proxy.host for one in under_way if one) == {"p0": 2, "p1": 2, "p2": 1}
    assert trial.ask() == "p2"


def test_a_request_that_never_ends_does_not_count_for_ever():
    trial = Trial(2, strategy="least_connections")
    for _ in range(4):
        trial.pool.begin("h")  # nobody keeps it
    gc.collect()
    kept = [trial.pool.begin("h") for _ in range(2)]
    assert {one.proxy.host for one in kept if one} == {"p0", "p1"}


@pytest.mark.parametrize("count", [2, 5, 200])
@pytest.mark.parametrize("how", [Outcome.UNWELL, Outcome.ASTRAY, Outcome.FAILED])
def test_weighted_sends_few_requests_to_a_proxy_that_fails_nine_times_in_ten(count: int, how: Outcome):
    trial, dice = Trial(count, failures=10**9), random.Random(3)
    sent = 0
    for _ in range(3000):
        attempt = trial.pool.begin("h")
        assert attempt
        bad = attempt.proxy.host == "p0"
        sent += bad
        trial.pool.end(attempt, how if bad and dice.random() < 0.9 else Outcome.OK, seconds=0.1)
    assert sent <= 0.05 * 3000


def test_weighted_prefers_the_faster_of_two_good_ones():
    trial = Trial(2)
    for _ in range(1000):
        attempt = trial.pool.begin("h")
        assert attempt
        trial.pool.end(attempt, Outcome.OK, seconds=1.0 if attempt.proxy.host == "p0" else 0.25)
    counts = trial.asked(1000, outcome=Outcome.NOTHING)
    assert 730 < counts["p1"] < 870, counts  # 4 to 1


def test_a_proxy_that_recovers_is_used_again():
    trial = Trial(2, failures=10**9)
    while trial.pool.known("http://p0:80").failed < 20:
        attempt = trial.pool.begin("h")
        assert attempt
        trial.pool.end(attempt, Outcome.UNWELL if attempt.proxy.host == "p0" else Outcome.OK, seconds=0.1)
    trial.asked(3000)
    counts = trial.asked(1000)
    assert 400 < counts["p0"] < 600, counts


def test_a_banned_proxy_is_left_at_its_host_and_used_at_others():
    trial = Trial(2, strategy="round_robin")
    assert trial.ask(Outcome.BANNED) == "p0"
    assert trial.told == [("p0:80", "h")]
    assert trial.asked(10) == {"p1": 10}
    assert trial.asked(10, host="other") == {"p0": 5, "p1": 5}
    trial.now += 61
    assert trial.asked(10) == {"p0": 5, "p1": 5}


def test_each_ban_is_twice_as_long_up_to_the_longest_and_forgotten_after_as_long_a_peace():
    trial = Trial(1)
    rests = []
    for _ in range(6):
        assert trial.ask(Outcome.BANNED) == "p0"
        rests.append(trial.pool.soonest("h"))
        trial.now += rests[-1] or 0
    assert rests == [60, 120, 240, 480, 600, 600]
    trial.now += 600
    trial.ask(Outcome.BANNED)
    assert trial.pool.soonest("h") == 60


def test_requests_that_were_on_their_way_when_a_ban_came_are_no_further_strike():
    trial = Trial(1)
    for attempt in [trial.pool.begin("h") for _ in range(4)]:
        assert attempt
        trial.pool.end(attempt, Outcome.BANNED, reason="HTTP 403")
    assert trial.pool.soonest("h") == 60
    assert trial.told == [("p0:80", "h")]


def test_a_choice_is_taken_back_when_the_proxy_was_banned_or_removed_since():
    trial = Trial(2)
    assert trial.pool.admitted("http://p0:80", "h") == parse("p0:80")
    trial.pool.learn(News(bans={("http://p0:80", "h"): Ban(trial.now + 9, 1, "x").to_text()}))
    assert trial.pool.admitted("http://p0:80", "h") is None
    assert trial.pool.admitted("http://p0:80", "other")
    trial.pool.set_proxies([parse("p1:80")])
    assert trial.pool.admitted("http://p0:80", "other") is None


def test_a_proxy_that_fails_in_a_row_rests_for_all_hosts_and_then_one_request_tries_it():
    trial = Trial(1)
    for _ in range(3):
        assert trial.ask(Outcome.FAILED, host="a") == "p0"
    assert trial.told == [("p0:80", EVERYWHERE)]
    assert trial.pool.begin("b") is None
    trial.now += 60
    first = trial.pool.begin("b")
    assert first
    assert trial.pool.begin("c") is None, "others wait for the one that tries"
    trial.pool.end(first, Outcome.FAILED)
    assert trial.pool.soonest("b") == 120, "one failure is enough now"
    trial.now += 120
    assert trial.ask(host="b") == "p0"
    assert len([trial.pool.begin("b") for _ in range(3)]) == 3
    assert trial.pool.begin("b")


def test_a_success_ends_a_row_of_failures():
    trial = Trial(1)
    for outcome in (Outcome.FAILED, Outcome.FAILED, Outcome.OK, Outcome.FAILED, Outcome.FAILED):
        trial.ask(outcome)
    assert trial.told == []


def test_a_request_without_an_answer_is_the_proxys_fault_when_the_host_answers_others():
    trial = Trial(2, strategy="round_robin")
    hanging, well = trial.pool.begin("h"), trial.pool.begin("h")
    assert hanging
    assert well
    trial.now += 60
    trial.pool.end(well, Outcome.OK, seconds=1)
    assert trial.pool.end(hanging, Outcome.UNSURE), "it should be tried through another one"
    assert trial.pool.known("http://p0:80") == Tally(failed=1)


def test_a_request_without_an_answer_is_nobodys_fault_when_the_host_answers_none():
    trial = Trial(2, strategy="round_robin")
    attempts = [trial.pool.begin("h") for _ in range(20)]
    trial.ask(host="another")
    for attempt in attempts:
        assert attempt
        assert not trial.pool.end(attempt, Outcome.UNSURE)
    assert trial.told == []
    assert trial.pool.known("http://p0:80").failed == 0


def test_what_another_proxy_could_do_is_counted_against_those_that_could_not():
    trial = Trial(2)
    for _ in range(3):
        trial.pool.blame("h", ["http://p0:80", "http://p1:80"], instead="http://p1:80")
    assert trial.told == [("p0:80", EVERYWHERE)]
    assert trial.pool.known("http://p1:80") == Tally()


def test_a_page_that_is_refused_through_all_proxies_bans_none_that_are_answered_otherwise():
    trial = Trial(2, strategy="round_robin")
    trial.asked(8)
    for _ in range(2):
        trial.ask(Outcome.BANNED)
    assert trial.pool.begin("h") is None
    trial.pool.pardon("h", trial.names)
    assert trial.asked(4, outcome=Outcome.NOTHING) == {"p0": 2, "p1": 2}
    for _ in range(4):  # it goes on: now as often banned as answered
        trial.ask(Outcome.BANNED)
        trial.ask(Outcome.BANNED)
        trial.pool.pardon("h", trial.names)
    assert trial.pool.begin("h") is None


def test_a_proxy_that_was_tried_is_taken_again_only_when_there_is_no_other():
    trial = Trial(3)
    assert trial.asked(20, avoid=["http://p0:80", "http://p2:80"]) == {"p1": 20}
    assert sum(trial.asked(20, avoid=trial.names).values()) == 20


def test_a_sticky_host_keeps_its_proxy_in_every_worker_and_moves_on_after_its_time():
    one, other = Trial(8, sticky_seconds=100), Trial(8, sticky_seconds=100)
    hosts = [f"h{number}" for number in range(40)]
    before = {host: one.ask(host=host) for host in hosts}
    assert {host: other.ask(host=host) for host in hosts} == before
    assert len(set(before.values())) == 8, "hosts are spread"
    one.now += 100
    after = {host: one.ask(host=host) for host in hosts}
    assert sum(before[host] != after[host] for host in hosts) > 25


def test_a_sticky_host_leaves_a_banned_proxy_and_others_stay():
    trial = Trial(8, sticky_seconds=1000)
    hosts = [f"h{number}" for number in range(40)]
    before = {host: trial.ask(host=host) for host in hosts}
    gone = trial.ask(Outcome.BANNED, host="h0")
    assert trial.ask(host="h0") != gone == before["h0"]
    trial.pool.set_proxies([proxy for proxy in trial.pool.proxies if proxy.host != gone])
    moved = [host for host in hosts if trial.ask(host=host) != before[host]]
    assert all(before[host] == gone for host in moved)


def test_an_empty_pool_has_no_proxy_and_no_time_at_which_it_will_have_one():
    trial = Trial(0)
    assert trial.pool.begin("h") is None
    assert trial.pool.soonest("h") is None


def test_what_is_known_of_a_proxy_stays_when_others_come_and_its_password_changes():
    trial = Trial(1)
    trial.ask()
    trial.pool.set_proxies([parse("p0:80"), parse("p1:80")])
    assert trial.pool.known("http://p0:80") == Tally(ok=1, ms=100)
    trial.pool.set_proxies([parse("me:one@p0:80")])
    trial.ask()
    trial.pool.set_proxies([parse("me:two@p0:80")])
    (proxy,) = trial.pool.proxies
    assert proxy.password == "two"
    assert trial.pool.known(proxy.name).ok == 1


def test_a_probe_that_fails_counts_and_one_that_goes_well_ends_the_rest_but_not_the_strikes():
    trial = Trial(2)
    assert len(trial.pool.to_probe(idle_seconds=30, resting=True)) == 2
    for _ in range(3):
        trial.pool.probed("http://p0:80", reason="no answer to a probe")
    assert trial.told == [("p0:80", EVERYWHERE)]
    trial.ask(host="x")
    assert trial.pool.to_probe(idle_seconds=30, resting=True) == (parse("p0:80"),)
    assert trial.pool.to_probe(idle_seconds=30, resting=False) == ()
    trial.pool.probed("http://p0:80", reason="")
    assert trial.pool.soonest("h") == 0
    trial.now += 1
    trial.pool.probed("http://p0:80", reason="no answer to a probe")
    trial.pool.set_proxies([parse("p0:80")])
    assert trial.pool.soonest("h") == 120


def test_pools_that_share_know_the_same_and_count_nothing_twice():
    one, other = Trial(1), Trial(1)
    name = "http://p0:80"
    total = Tally()
    for trial in (one, other):
        trial.asked(10)
        pending = trial.pool.take_pending()
        assert pending.tallies == {(name, "h"): Tally(ok=10, ms=1000)}
        trial.ask()  # while the call is under way
        total += Tally(ok=10, ms=1000)
        trial.pool.learn(News(tallies={name: total}))
    assert one.pool.known(name) == Tally(ok=11, ms=1100)
    assert other.pool.known(name) == Tally(ok=21, ms=2100)
    assert one.pool.take_pending().tallies == {(name, "h"): Tally(ok=1, ms=100)}
    assert not one.pool.take_pending().tallies


def test_a_ban_is_told_with_what_was_known_before_and_the_fleets_word_counts_more():
    trial = Trial(1)
    trial.ask(Outcome.BANNED)
    (change,) = trial.pool.take_pending().bans
    assert (change.proxy, change.host, change.before) == ("http://p0:80", "h", "")
    assert Ban.from_text(change.after) == Ban(1060, 1, "banned")
    trial.pool.learn(News(bans={("http://p0:80", "h"): ""}))
    assert trial.ask() == "p0"


def test_a_rating_takes_many_requests_at_once_as_one_by_one_and_survives_a_forgetful_redis():
    slow = Rating()
    for _ in range(30):
        slow = slow.after(Tally(ok=1, ms=200))
    fast = Rating().after(Tally(ok=30, ms=6000))
    assert slow.seconds == pytest.approx(fast.seconds)
    assert slow.success == pytest.approx(fast.success)
    assert fast.after(Tally(ok=-30, ms=-6000)) == fast
    odd = fast.after(Tally(ok=-5, failed=9, ms=-100))
    assert 0 <= odd.success <= 1
