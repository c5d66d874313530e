"""Scrapy add-ons: what the project's settings imply for Scrapy's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from image_spider import __version__, config

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class ProjectSettings:
    """Check the final values, those of `-s` included, and derive Scrapy's settings from them.

    An add-on's priority is below that of settings.py: a key that is set here must not be set there.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        """Raise UsageError for a value that is not allowed."""
        checked = config.from_settings(settings)
        settings.set("USER_AGENT", f"image_spider/{__version__} (+{checked.CONTACT_URL})", "addon")
        settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", checked.HOST_CONCURRENCY, "addon")
        settings.set("DOWNLOAD_DELAY", checked.HOST_DELAY_SECONDS, "addon")
