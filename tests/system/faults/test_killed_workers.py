"""Workers that are killed in the middle of their work; a supervisor starts others in their place."""

from __future__ import annotations

import random

from image_spider.frontier.worker import HELD_PER_PLACE
from tests.system.faults.faulty_fleet import FaultyFleet
from tests.system.faults.scale import SCALE

MOST_HELD = HELD_PER_PLACE * 16  # CONCURRENT_REQUESTS


def test_no_page_and_no_image_is_lost_when_workers_are_killed_again_and_again(fleet: FaultyFleet):
    fleet.start_workers()
    fleet.start_crawl_of_site()
    alive = list(fleet.workers)
    for gate in fleet.gates(SCALE.kills):
        victim = alive.pop(random.Random(gate).randrange(len(alive)))
        victim.kill()
        alive.append(fleet.launch_worker())
    outcome = fleet.finish(f"kill -9 of random workers, {SCALE.kills} times")
    assert outcome.missing == 0, outcome
    assert outcome.repeated_pages <= SCALE.kills * MOST_HELD
    fleet.assert_books_balance()
