"""How long a command waits for the catalog."""

from __future__ import annotations

import pytest

from image_spider import config
from image_spider.command_catalog import patience

FLEET = {"REDIS_URL": "redis://r", "DATABASE_URL": "postgresql://db/images"}


@pytest.mark.parametrize(("values", "seconds"), [({}, 30), (FLEET, 30), (FLEET | {"CATALOG_RETRY_SECONDS": 90}, 90)])
def test_a_command_does_not_wait_for_ever_as_a_worker_does(values: dict[str, object], seconds: float):
    assert patience(config.check(values)) == seconds
