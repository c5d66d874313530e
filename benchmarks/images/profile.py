"""Where the CPU time of an image goes: stage by stage in one process, and on the way to a decoding process and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import psutil

from benchmarks.stages import description_stages, milliseconds
from image_spider import config
from image_spider.decoders import Decoders

REPEATS = 5
UNDER_WAY = 16  # images at once, as in a crawl


@dataclass(frozen=True, slots=True)
class Passage:
    """ms of CPU per image: in the process that sends it and gets its description, and in those that describe it."""

    sender_ms: float
    decoders_ms: float


def stage_profile(jpegs: Sequence[bytes]) -> dict[str, float]:
    """Return ms of CPU for each stage, the mean over the JPEGs of the median of REPEATS."""
    profiles = []
    for data in jpegs:
        stages = description_stages(data)
        profiles.append({name: milliseconds(stage, repeats=REPEATS) for name, stage in stages.items()})
    return {name: mean(profile[name] for profile in profiles) for name in profiles[0]}


def passage(jpegs: Sequence[bytes], *, rounds: int) -> Passage:
    """Send the JPEGs through decoding processes `rounds` times, once more to start the processes."""
    return asyncio.run(_passage(jpegs, rounds))


async def _passage(jpegs: Sequence[bytes], rounds: int) -> Passage:
    decoders = Decoders(config.check({}))
    try:
        await _describe(decoders, jpegs)
        sender, children = time.process_time(), _children_seconds()
        for _ in range(rounds):
            await _describe(decoders, jpegs)
        images = rounds * len(jpegs)
        return Passage(
            sender_ms=1000 * (time.process_time() - sender) / images,
            decoders_ms=1000 * (_children_seconds() - children) / images,
        )
    finally:
        decoders.close()


async def _describe(decoders: Decoders, jpegs: Sequence[bytes]) -> None:
    places = asyncio.Semaphore(UNDER_WAY)

    async def one(data: bytes) -> None:
        async with places:
            await decoders.describe(data, "image/jpeg")

    await asyncio.gather(*map(one, jpegs))


def _children_seconds() -> float:
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(each.user + each.system for each in times)
