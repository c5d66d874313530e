"""Scrapy add-ons: what the project's settings imply for Scrapy's own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES, default_settings

from image_spider import __version__, config
from image_spider.exceptions import UsageError
from image_spider.identity.user_agents import load_user_agents

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

UNBOUNDED = 1_000_000


class ProjectSettings:
    """Check the final values, those of `-s` included, and derive Scrapy's settings from them.

    An add-on's priority is below that of settings.py: a key that is set here must not be set there.
    """

    def update_settings(self, settings: BaseSettings) -> None:
        """Raise UsageError for a value that is not allowed."""
        checked = config.from_settings(settings)
        check_scrapy_settings(settings)
        load_user_agents(checked.USER_AGENTS)  # a file that cannot be read is refused now, not in the midst of a start
        settings.set("USER_AGENT", f"image_spider/{__version__} (+{checked.CONTACT_URL})", "addon")
        # Hosts have one budget, which the politeness middleware holds: Scrapy's own would hold it a second time.
        settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", UNBOUNDED, "addon")
        settings.set("DOWNLOAD_DELAY", 0, "addon")
        settings.set("SCHEDULER", "image_spider.delaying_scheduler.DelayingScheduler", "addon")
        settings.set("DUPEFILTER_CLASS", "image_spider.dupefilter.QuotaDupeFilter", "addon")  # of a local run


class SharedFrontier:
    """Swap in the frontier that a fleet shares, when REDIS_URL names its Redis."""

    def update_settings(self, settings: BaseSettings) -> None:
        """Set what scrapy-redis's users set by hand; a value of their own wins."""
        if config.from_settings(settings).REDIS_URL:
            settings.set("SCHEDULER", "image_spider.frontier.scheduler.Scheduler", "addon")
            settings.set("SCHEDULER_QUEUE_CLASS", "image_spider.frontier.queue.LeaseQueue", "addon")
            settings.set("DUPEFILTER_CLASS", "image_spider.frontier.dupefilter.FleetDupeFilter", "addon")


def check_scrapy_settings(settings: BaseSettings) -> None:
    """Raise UsageError for a setting of Scrapy's own whose value is not of the type of its default."""
    for name, value in settings.items():
        if (settings.getpriority(name) or 0) <= SETTINGS_PRIORITIES["project"]:
            continue
        default = getattr(default_settings, name, None)
        try:
            if isinstance(default, bool):
                settings.getbool(name)
            elif isinstance(default, int):
                settings.getint(name)
            elif isinstance(default, float):
                settings.getfloat(name)
        except (TypeError, ValueError):
            raise UsageError(name, value, f"a value like {default!r}") from None
    level = settings["LOG_LEVEL"]
    if isinstance(level, str) and level not in logging.getLevelNamesMapping():
        raise UsageError("LOG_LEVEL", level, "DEBUG, INFO, WARNING, ERROR or CRITICAL")
