import asyncio

from image_spider.budget import Budget


async def take(budget: Budget, sha256: str | None) -> bool:
    """Download an image of this digest, or fail for None; tell whether there was a place."""
    async with budget.place() as free:
        await asyncio.sleep(0)  # lets the others come in between
        if free and sha256:
            budget.count(sha256)
        return free


def run(limit: int | None, digests: list[str | None]) -> list[bool]:
    async def all_at_once() -> list[bool]:
        budget = Budget(limit)
        return await asyncio.gather(*(take(budget, digest) for digest in digests))

    return asyncio.run(all_at_once())


def digest(number: int) -> str:
    return f"{number:016x}".ljust(64, "0")


def test_without_a_limit_everybody_has_a_place():
    assert all(run(None, [digest(n) for n in range(50)]))


def test_the_limit_is_exact_while_many_are_in_flight():
    assert sum(run(3, [digest(n) for n in range(50)])) == 3


def test_a_failure_gives_its_place_to_the_next():
    assert run(2, [None, None, None, digest(1), None, digest(2), digest(3)]) == [True] * 6 + [False]


def test_an_image_that_comes_twice_counts_once():
    assert run(2, [digest(1), digest(1), digest(1), digest(2), digest(3)]) == [True] * 4 + [False]


def test_images_of_an_earlier_run_count():
    async def resumed() -> bool:
        return await take(Budget(1, seen=[digest(1)]), digest(2))

    assert not asyncio.run(resumed())
