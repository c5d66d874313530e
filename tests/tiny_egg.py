"""A Scrapy project in an egg of a kilobyte, whose spider "images" crawls the page that it is told of."""

from __future__ import annotations

from pathlib import Path

from tests.eggs import make_egg

SPIDER = """\
import os
import scrapy

{code}

class Images(scrapy.Spider):
    name = "images"

    async def start(self):
        yield scrapy.Request(self.url)

    def parse(self, response):
        if os.environ.get("FAIL_ON_THE_NODE"):
            raise RuntimeError("this version is broken")
"""


def tiny_egg(file: Path, code: str = "", *, setting: str = "") -> Path:
    """Write it, with code at the top of its spider's module and a line in its settings."""
    settings = f'BOT_NAME = "tiny"\nSPIDER_MODULES = ["tiny.spiders"]\nTELNETCONSOLE_ENABLED = False\n{setting}\n'
    file.write_bytes(make_egg(package="tiny", spiders=SPIDER.format(code=code), settings=settings))
    return file
