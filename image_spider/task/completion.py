"""How a task ended: the body of its completion, and the delivery of it."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from image_spider.exceptions import ReportFailed
from image_spider.task.api import COMPLETION, MonitoringApi

logger = logging.getLogger(__name__)

SHOWN_ITEMS = 100  # data items of a completion
MAX_ITEMS_BYTES = 1024 * 1024  # of these, as JSON: many servers take no larger body
POST_SECONDS = 10.0  # for one try
FIRST_WAIT_SECONDS = 0.5  # between two tries; twice as long each time, to this
LONGEST_WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.1  # between two looks whether it is hurried
HURRIED_SECONDS = 4.0  # of a task that is told to end, and as many to connect: Docker gives it 10 s in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended: "completed", "failed" or "stopped", why in words if not completed, and its exit code."""

    status: str
    error_message: str
    exit_code: int


def completion_body(
    *,
    execution_id: str,
    container_id: str,
    outcome: Outcome,
    summary: Mapping[str, object],
    items: Sequence[Mapping[str, object]],
    total: int,
) -> dict[str, object]:
    """Return the completion; of the items as many as fit, the first ones."""
    return {
        "execution_id": execution_id,
        "container_id": container_id,
        "success": outcome.status == "completed",
        "result_data": {"crawl_summary": dict(summary), "data_items": _first(items), "total_data_count": total},
        "error_message": outcome.error_message or None,
    }


def deliver(
    api: MonitoringApi, body: dict[str, object], *, seconds: float, hurried: Callable[[], bool] = lambda: False
) -> bool:
    """Send the completion until it is taken, for so many seconds at most; tell whether it was. Blocks.

    Once somebody hurries it, HURRIED_SECONDS are left, and a try that is under way.
    An answer that was lost makes it sent once more, word for word: the platform knows it by its execution_id.
    """
    deadline = time.monotonic() + seconds
    wait = FIRST_WAIT_SECONDS
    while True:
        if hurried():
            deadline = min(deadline, time.monotonic() + HURRIED_SECONDS)
            hurried = bool  # once
        left = deadline - time.monotonic()
        try:
            api.post(COMPLETION, body, seconds=max(0.1, min(POST_SECONDS, left)))
        except Exception as error:  # noqa: BLE001 - whatever it is, such as no more threads: the next try may arrive
            again = time.monotonic() + random.uniform(wait / 2, wait)  # noqa: S311 - no secret
            is_final = isinstance(error, ReportFailed) and not error.busy
            told = str(error) if isinstance(error, ReportFailed) else f"{type(error).__name__}: {error}"
            if is_final or again >= deadline:
                logger.error("The platform was not told how the task ended: %s", told)  # noqa: TRY400 - no fault of ours
                return False
            logger.warning("The completion did not arrive and is sent again: %s", told)
            while time.monotonic() < again and not hurried():
                time.sleep(LOOK_SECONDS)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        else:
            return True


def _first(items: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    taken: list[Mapping[str, object]] = []
    size = 0
    for item in items[:SHOWN_ITEMS]:
        size += len(json.dumps(item))
        if size > MAX_ITEMS_BYTES:
            break
        taken.append(item)
    return taken
