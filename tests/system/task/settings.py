"""The project's settings, with an extension that blocks the reactor."""

from image_spider import settings
from image_spider.settings import *  # noqa: F403

EXTENSIONS = {**settings.EXTENSIONS, "tests.system.task.blocker.Blocker": 0}
