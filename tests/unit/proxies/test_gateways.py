"""502 and 504 without a tunnel: nobody knows whose they are."""

from __future__ import annotations

from image_spider.proxies.member import Outcome
from image_spider.proxies.tally import Tally
from tests.unit.proxies.pools import Trial


def test_a_gateways_error_is_tried_through_another_proxy_where_the_host_has_just_answered_one():
    trial = Trial(2, strategy="round_robin")
    for others, again in ((False, False), (True, True)):
        if others:
            trial.ask(avoid=[trial.names[0]])
        attempt = trial.pool.begin("h", avoid=[trial.names[1]])
        assert attempt
        assert trial.pool.end(attempt, Outcome.ASTRAY) == again
    assert trial.pool.known(trial.names[0]) == Tally(failed=2)
    assert not trial.told, "the host may have said so: nobody is banned"
    assert [trial.pool.admitted(name, "h") is not None for name in trial.names] == [True, True]
