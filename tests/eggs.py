"""Eggs of small Scrapy projects: real ones, which Scrapyd and Scrapy take, made in a millisecond."""

from __future__ import annotations

import io
import zipfile

# Runs until the test makes the file that it was told of, or a signal ends it; then writes how it ended.
SPIDER = """
import asyncio, os, pathlib
import scrapy


class {name}(scrapy.Spider):
    name = "{name}"

    async def start(self):
        print("printed by the spider", flush=True)
        told = pathlib.Path(getattr(self, "runs", "runs"))
        with told.open("a") as file:
            file.write(f"{{self._job}} {{os.getpid()}} {version}\\n")
        until = getattr(self, "until", None)
        while until and not os.path.exists(until):
            await asyncio.sleep(0.02)
        if getattr(self, "exits", None):
            os._exit(int(self.exits))
        return
        yield
"""
SETTINGS = """
BOT_NAME = "small"
SPIDER_MODULES = ["{package}.spiders"]
TELNETCONSOLE_ENABLED = False
"""
ENTRY_POINTS = "[scrapy]\nsettings = {package}.settings\n"


def make_egg(*, package: str = "small", spider: str = "waits", version: str = "1", **files: str | None) -> bytes:
    """Return an egg. `settings`, `spiders`, `entry_points` replace the contents of a file; None leaves it out."""
    contents = {
        "entry_points": ENTRY_POINTS.format(package=package),
        "settings": SETTINGS.format(package=package),
        "spiders": SPIDER.format(name=spider, version=version),
    } | files
    paths = {
        "entry_points": "EGG-INFO/entry_points.txt",
        "settings": f"{package}/settings.py",
        "spiders": f"{package}/spiders.py",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EGG-INFO/PKG-INFO", f"Metadata-Version: 1.0\nName: {package}\nVersion: {version}\n")
        archive.writestr("EGG-INFO/top_level.txt", f"{package}\n")
        archive.writestr("EGG-INFO/zip-safe", "\n")
        archive.writestr(f"{package}/__init__.py", "")
        for name, text in contents.items():
            if text is not None:
                archive.writestr(paths[name], text)
    return packed.getvalue()
