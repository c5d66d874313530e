"""A Scrapy project in an egg of a kilobyte, with the spider "images"."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
SETTINGS = 'BOT_NAME = "tiny"\nSPIDER_MODULES = ["tiny.spider"]\nTELNETCONSOLE_ENABLED = False\n'


def tiny_egg(file: Path, code: str = "") -> Path:
    """Write it, with code at the top of its spider's module."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: tiny\nVersion: 1.0\n")
        archive.writestr("EGG-INFO/entry_points.txt", "[scrapy]\nsettings = tiny.settings\n")
        archive.writestr("tiny/__init__.py", "")
        archive.writestr("tiny/settings.py", SETTINGS)
        archive.writestr("tiny/spider.py", SPIDER.format(code=code))
    return file
