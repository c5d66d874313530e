"""Real faults in real decoding processes."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NoReturn

import psutil
import pytest
from PIL import Image

from image_spider import config
from image_spider.decoders import Decoders
from image_spider.exceptions import DecodersError
from image_spider.imaging.describe import Description, describe
from tests.images import a_png

GOOD, KILLER = a_png(1), a_png(2)


def large(format_: str, side: int = 7000) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (9, 9, 9)).save(file, format_, **({"lossless": True} if format_ == "WEBP" else {}))
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


def decoding_processes() -> list[psutil.Process]:
    """Return the children of the fork server."""
    return [process for child in psutil.Process().children() for process in child.children()]


def kill_all(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_while(killing: threading.Event) -> None:
    while killing.is_set():
        with suppress(psutil.NoSuchProcess):
            kill_all(decoding_processes())


async def describe_on_and_on(pool: Decoders) -> NoReturn:
    while True:
        await pool.describe(GOOD, "")


def crash_on(killer: bytes, data: bytes, **options: Any) -> Description:
    if data == killer:
        os.kill(os.getpid(), signal.SIGSEGV)
    return describe(data, **options)


def test_a_good_image_is_described():
    async def test() -> None:
        async with decoders() as pool:
            description = await pool.describe(GOOD, "image/png")
            assert (description.integrity, description.width, description.height) == ("ok", 80, 60)

    run(test)


def test_a_decoder_that_hangs_costs_its_image_alone():
    async def test() -> None:
        async with decoders(IMAGES_DEADLINE_SECONDS="3") as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            fault = asyncio.create_task(asyncio.to_thread(signal_the_busy_one, signal.SIGSTOP))
            outcomes: list[Description] = []
            while not fault.done():
                outcomes.append(await pool.describe(large("PNG", 5000), ""))
            hit = [outcome for outcome in outcomes if outcome.integrity != "ok"]
            assert [outcome.integrity for outcome in hit] == ["bomb"]
            assert "was not decoded within 3 s" in hit[0].detail
            assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)


def test_an_image_whose_decoder_was_killed_once_is_repeated():
    async def test() -> None:
        async with decoders() as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            fault = asyncio.create_task(asyncio.to_thread(signal_the_busy_one, signal.SIGKILL))
            while not fault.done():
                assert (await pool.describe(large("PNG", 5000), "")).integrity == "ok"
            assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)


def test_an_image_whose_decoder_crashes_again_and_again_costs_itself_alone(monkeypatch: pytest.MonkeyPatch):
    async def test() -> None:
        async with decoders(IMAGES_PROCESSES="2") as pool:
            monkeypatch.setattr(pool, "_describe", partial(crash_on, KILLER, max_pixels=10_000))
            outcomes = await asyncio.gather(*(pool.describe(data, "") for data in [GOOD, KILLER, *[GOOD] * 20]))
            assert [outcome.integrity for outcome in outcomes] == ["ok", "corrupt", *["ok"] * 20]
            assert "its decoder crashed" in outcomes[1].detail

    run(test)


@pytest.mark.parametrize("processes", ["1", "3"])
@pytest.mark.parametrize("fork_server", [False, True])
def test_processes_killed_while_idle_cost_nothing(processes: str, fork_server: bool):
    async def test() -> None:
        async with decoders(IMAGES_PROCESSES=processes) as pool:
            for _ in range(5):  # more breaks than may follow each other without a success
                assert (await pool.describe(GOOD, "")).integrity == "ok"
                killed = decoding_processes()[:1]
                for process in [*killed, *([process.parent() for process in killed] if fork_server else [])]:
                    assert process
                    process.kill()
                outcomes = await asyncio.gather(*(pool.describe(GOOD, "") for _ in range(10)))
                assert {outcome.integrity for outcome in outcomes} == {"ok"}

    run(test)


def test_an_image_that_is_sent_to_a_pool_as_it_ends_is_described_by_the_next_one(monkeypatch: pytest.MonkeyPatch):
    async def test() -> None:
        async with decoders() as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            ending = pool._pool

            def schedule(*_: object, **__: object) -> Future[Description]:
                ending.stop()
                future: Future[Description] = Future()
                future.set_exception(TypeError("the handle of the channel is None"))  # as pebble fails then
                return future

            monkeypatch.setattr(ending, "schedule", schedule)
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            assert pool._pool is not ending

    run(test)


def test_all_processes_killed_at_once_cost_no_image():
    async def test() -> None:
        async with decoders(IMAGES_PROCESSES="2") as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            for _ in range(3):
                data = large("PNG", 3000)
                waiting = [asyncio.ensure_future(pool.describe(data, "")) for _ in range(6)]
                await waiting[0]
                kill_all(decoding_processes())
                assert {(await description).integrity for description in waiting} == {"ok"}
                kill_all(decoding_processes())
                assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)


def test_processes_that_are_killed_whenever_they_start_are_an_error():
    async def test() -> None:
        async with decoders() as pool:
            assert (await pool.describe(GOOD, "")).integrity == "ok"
            killing = threading.Event()
            killing.set()
            killer = asyncio.create_task(asyncio.to_thread(kill_while, killing))
            try:
                with pytest.raises(DecodersError, match="3 times in a row"):
                    await describe_on_and_on(pool)
                waiting = [pool.describe(GOOD, "") for _ in range(5)]
                outcomes = await asyncio.gather(*waiting, return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {DecodersError}
            finally:
                killing.clear()
                await killer

    run(test)


@pytest.mark.parametrize(("format_", "expected"), [("GIF", "bomb"), ("WEBP", "corrupt")])
def test_an_image_that_needs_more_memory_than_a_process_may_have_is_a_bomb(format_: str, expected: str):
    """But for WebP, whose decoder does not tell why it gives up."""

    async def test() -> None:
        async with decoders(IMAGES_MEMORY_BYTES="400000000") as pool:
            description = await pool.describe(large(format_), "")
            assert description.integrity == expected, description.detail
            assert (await pool.describe(GOOD, "")).integrity == "ok"

    run(test)
