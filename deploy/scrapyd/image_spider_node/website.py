"""The root of all pages and services: `webroot` in scrapyd.conf."""

from __future__ import annotations

from typing import Any

from scrapyd.website import Root as StockRoot


class Root(StockRoot):
    """Scrapyd's root, which also knows the options of ours that services need."""

    def __init__(self, config: Any, app: Any) -> None:
        self.config = config
        self.egg_check_seconds = config.getfloat("egg_check_seconds", 60.0)
        super().__init__(config, app)
