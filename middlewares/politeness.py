"""Each request waits for its turn, and each answer tells how its host is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from scrapy.utils.httpobj import urlparse_cached

from image_spider.frontier.background import Background
from image_spider.politeness.answers import of_error, of_response
from image_spider.politeness.memory import LocalBudgets
from image_spider.politeness.politeness import Politeness
from image_spider.spiders.images import images_spider
from scrapy import signals
