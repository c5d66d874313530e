"""The image store of a command, before which somebody sits and waits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from image_spider.command_catalog import COMMAND_SECONDS
from image_spider.stores.opening import store_at

if TYPE_CHECKING:
    from image_spider.config import Config
    from image_spider.stores.store import Store


def command_store(settings: Config, url: str = "") -> Store:
    """Return the store of the settings, or the one at this address, which is not waited for as workers do, for ever."""
    seconds = settings.IMAGES_STORE_RETRY_SECONDS
    seconds = COMMAND_SECONDS if math.isinf(seconds) else seconds
    return store_at(url or settings.IMAGES_STORE, settings, retry_seconds=seconds)
