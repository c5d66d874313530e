from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_servers import RedisServer
from tests.system.faults.faulty_fleet import DURABLE, FaultyFleet
from tests.system.faults.scale import SCALE
from tests.system.faults.site import GatedSite


@pytest.fixture
def gated_site() -> Iterator[GatedSite]:
    with GatedSite(SCALE.pages) as site:
        yield site


@pytest.fixture
def fleet(gated_site: GatedSite, tmp_path: Path) -> Iterator[FaultyFleet]:
    """A fleet on one Redis whose append-only file has every command before its answer is sent."""
    with FaultyFleet(tmp_path, gated_site, RedisServer(tmp_path / "redis", *DURABLE)) as fleet:
        yield fleet
