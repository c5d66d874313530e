"""The project's settings, with an extension that watches the event loop."""

from image_spider import settings
from image_spider.settings import *  # noqa: F403

EXTENSIONS = {**settings.EXTENSIONS, "tests.system.faults.loop_lag.LoopLag": 0}
