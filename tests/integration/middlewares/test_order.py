"""The table of middlewares/__init__.py, and what Scrapy makes of the settings."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from scrapy.settings import Settings
from scrapy.utils.misc import load_object

from image_spider import settings as project
from image_spider.addons import ProjectSettings, SharedFrontier
from middlewares import ORDER


def used(**given: object) -> dict[str, int]:
    """Return the number of each downloader middleware that Scrapy finally uses, its own included."""
    settings = Settings()
    settings.setmodule(project, priority="project")
    settings.setdict(given, priority="cmdline")
    for addon in (ProjectSettings(), SharedFrontier()):
        addon.update_settings(settings)
    numbers = settings.get_component_priority_dict_with_base("DOWNLOADER_MIDDLEWARES")
    return {
        name if isinstance(name, str) else f"{name.__module__}.{name.__qualname__}": number
        for name, number in numbers.items()
        if number is not None
    }


@pytest.mark.parametrize("redis", ["", "redis://127.0.0.1:6379/0"], ids=["local", "fleet"])
def test_the_table_is_what_scrapy_uses(redis: str):
    assert used(REDIS_URL=redis) == {place.name: place.number for place in ORDER}


def test_the_table_is_in_order_and_gives_each_place_a_reason():
    numbers = [place.number for place in ORDER]
    assert all(one < other for one, other in pairwise(numbers))
    assert all(re.fullmatch(r".+[.]", place.reason) for place in ORDER)


@pytest.mark.parametrize("name", [place.name for place in ORDER])
def test_each_middleware_is_there(name: str):
    assert isinstance(load_object(name), type)
