"""Waiting for an event, but not for ever; and ending tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

AGAIN_SECONDS = 0.05


async def happened(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; tell whether it came in time.

    Not by asyncio.wait_for: before Python 3.12 that swallows a cancellation that arrives together with the event, and
    the loop that was to end goes on.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended.

    Again and again: redis-py's asyncio client swallows a cancellation that arrives while it reads a reply (8.1.0).
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
