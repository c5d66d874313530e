from __future__ import annotations

import pytest

from benchmarks.frontier.hosts import politeness
from benchmarks.frontier.sites import links


@pytest.mark.parametrize("pages", [1, 2, 64, 65, 66, 500, 5000])
def test_every_page_of_a_site_is_within_reach_of_its_first(pages):
    reached, waiting = {0}, [0]
    while waiting:
        new = set(links(waiting.pop(), pages)) - reached
        reached |= new
        waiting += new
    assert reached == set(range(pages))


def test_the_fullest_second_is_looked_for_from_every_request():
    moments = [0.0, 0.6, 0.7, 1.5, 1.59, 3.0]
    told = politeness(moments, limit=3)
    assert (told.most, told.full) == (4, pytest.approx(1 / 6))
    assert told.shortest == pytest.approx(0.09)
    assert told.rate == pytest.approx(5 / 3)


def test_requests_on_time_keep_to_the_limit():
    assert politeness([number / 10 + 1e-9 * number for number in range(100)], limit=10).most == 10
