"""What runs beside Scrapy's engine: should a part of it ever fail, the worker ends and says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from image_spider.exceptions import BrokerError, CatalogError, ImageSpiderError
from image_spider.frontier.waiting import cancelled

logger = logging.getLogger(__name__)


class Background:
    """Tasks that end together."""

    def __init__(self, *, abort: Callable[[ImageSpiderError], None]) -> None:
        self._abort = abort
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Awaitable[object]) -> asyncio.Task[None]:
        """Start a task; it raises nothing."""
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def cancel(self) -> None:
        """Cancel what still runs, and wait for its end."""
        await cancelled(self._tasks)

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except CatalogError as error:
            self._abort(error)
        except Exception as error:
            logger.exception("A part of this worker failed")
            self._abort(BrokerError(f"a part of this worker failed: {error}"))
