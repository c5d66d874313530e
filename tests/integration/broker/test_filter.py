"""The Bloom filter grows in layers and errs as rarely as stated."""

from __future__ import annotations

import random

import pytest

from image_spider.broker.bloom import LARGEST_BITS, layers
from image_spider.broker.records import Push, Pushed
from tests.integration.broker.conftest import Fleet

STATED = 0.02  # large, so that a few thousand keys measure it


def _pushes(source: random.Random, count: int) -> list[Push]:
    return [Push(crawl="c", host="h", payload=b"", fingerprint=source.randbytes(16)) for _ in range(count)]


async def _seen(fleet: Fleet, requests: list[Push]) -> int:
    seen = 0
    for start in range(0, len(requests), 1000):
        answers = await fleet._push("w", requests[start : start + 1000])
        seen += sum(answer is Pushed.SEEN for answer in answers)
    return seen


def test_layers_grow_and_the_measured_error_stays_under_the_stated_one(run):
    async def scenario(fleet: Fleet):
        source = random.Random(7)
        first, second = list(layers(STATED))[:2]
        known = _pushes(source, first.capacity + second.capacity)
        wrong = await _seen(fleet, known)  # each was new
        record = await fleet.crawls.seen(crawl="c")
        assert record.layers == 2
        assert record.count == len(known) - wrong
        assert await _seen(fleet, known) == len(known)  # never a false negative
        # The filter is all but full now: new keys find the whole error, and fill a third layer.
        fresh = 20_000
        errors = await _seen(fleet, _pushes(source, fresh))
        assert errors / fresh <= STATED
        assert record.error <= STATED
        assert 0.5 < errors / fresh / record.error < 1.5

    run(scenario, seen_error_rate=STATED)


@pytest.mark.parametrize("error_rate", [1e-2, 1e-4, 1e-6])
def test_the_sum_of_all_layers_stays_under_the_stated_error(error_rate: float):
    found = list(layers(error_rate))
    assert sum(layer.error(layer.capacity) for layer in found) <= error_rate
    assert max(layer.bits for layer in found) == LARGEST_BITS == 8 * 2**26


def test_a_fingerprint_of_an_old_layer_is_known_for_ever(run):
    async def scenario(fleet: Fleet):
        source = random.Random(1)
        known = _pushes(source, 100)
        await _seen(fleet, known)
        await _seen(fleet, _pushes(source, 20_000))
        assert (await fleet.crawls.seen(crawl="c")).layers > 2
        assert await _seen(fleet, known) == 100

    run(scenario)


def test_without_an_error_rate_the_filter_is_an_exact_set(run):
    async def scenario(fleet: Fleet):
        known = _pushes(random.Random(1), 500)
        assert await _seen(fleet, known) == 0
        assert await _seen(fleet, known) == 500
        record = await fleet.crawls.seen(crawl="c")
        assert (record.kind, record.count, record.error) == ("exact", 500, 0.0)

    run(scenario, seen_error_rate=0.0)
