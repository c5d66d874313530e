"""Real faults in real decoding processes."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
from PIL import Image

from image_spider import config
from image_spider.decoders import Decoders
from image_spider.imaging.describe import Description
from tests.images import a_png

GOOD = a_png(1)


def large(format_: str, side: int = 7000) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (9, 9, 9)).save(file, format_, lossless=True)
    return file.getvalue()


@asynccontextmanager
async def decoders(**settings: str) -> AsyncIterator[Decoders]:
    pool = Decoders(config.load({"IMAGES_PROCESSES": "1", **settings}))
    yield pool
    await asyncio.to_thread(pool.close)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def signal_the_busy_one(number: int) -> None:
    """Send a signal to the decoding process once it is at work."""
    while True:
        for process in psutil.Process().children(recursive=True):
            if process.cpu_percent(interval=0.02) > 50:
                process.send_signal(number)
                return


def test_a_good_image_is_described():
    async def test() -> None:
        async with decoders() as pool:
            description = await pool.describe(GOOD, "image/png")
            assert (description.integrity, description.width, description.height) == ("ok", 80, 60)

    run(test)


@pytest.mark.parametrize(
    ("number", "detail"), [(signal.SIGKILL, "its decoder crashed"), (signal.SIGSTOP, "was not decoded within 3 s")]
)
def test_a_decoder_that_crashes_or_hangs_costs_its_image_alone(number: int, detail: str):
    async def test() -> None:
        async with decoders(IMAGES_DEADLINE_SECONDS="3") as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            fault = asyncio.create_task(asyncio.to_thread(signal_the_busy_one, number))
            outcomes: list[Description] = []
            while not fault.done():
                outcomes.append(await pool.describe(large("PNG", 5000), ""))
            hit = [outcome for outcome in outcomes if outcome.integrity != "ok"]
            assert [outcome.integrity for outcome in hit] == ["corrupt"]
            assert detail in hit[0].detail
            assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)


def test_an_image_that_needs_more_memory_than_a_process_may_have_is_corrupt():
    async def test() -> None:
        async with decoders(IMAGES_MEMORY_BYTES="600000000") as pool:
            description = await pool.describe(large("WEBP"), "image/webp")
            assert description.integrity in {"corrupt", "truncated"}
            assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)
