"""The figures of a frontier, on a single Redis and on a Cluster."""

from __future__ import annotations

import pytest

from image_spider.broker.fleet_figures import FigureReader
from image_spider.broker.records import Nack
from tests.integration.broker.conftest import Fleet, run_on


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
def test_the_figures_are_those_of_the_frontier(kind: str, request: pytest.FixtureRequest):
    async def scenario(fleet: Fleet):
        key = f"{fleet.options.name}:start"
        reader = FigureReader(client=fleet.client, options=fleet.options, start_urls_key=key)
        await fleet.client.command("RPUSH", key, "one", "two")
        await fleet.client.command("RPUSH", f"{key}:rejected", "x")
        await fleet.push("a", "b", "c", host="first")
        await fleet.push("d", host="second")
        await fleet.push("later", delay_ms=60_000)
        held = (await fleet.lease(2)).leases
        await fleet.frontier.nack(worker="w", nacks=[Nack(id=held[0].id, token=held[0].token, cause="x", dead=True)])
        figures = await reader.read()
        assert (figures.requests, figures.delayed, figures.dead) == (4, 1, 1)
        assert (figures.start_urls, figures.rejected) == (2, 1)
        assert {crawl.id: crawl.outstanding for crawl in figures.crawls} == {"c": 4}
        assert sorted(worker.leases for worker in figures.workers) == [0, 1]
        assert figures.busy_hosts == 1
        assert figures.ready_hosts + figures.waiting_hosts >= 1
        assert figures.memory_bytes > 100_000
        assert figures.memory_limit_bytes == 0

    run_on(request.getfixturevalue(kind).url, scenario)
