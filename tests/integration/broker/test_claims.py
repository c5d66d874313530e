"""Each image URL is downloaded once, and max_images is never exceeded."""

from __future__ import annotations

from image_spider.broker.records import Claim
from tests.integration.broker.conftest import Fleet


async def claim(fleet: Fleet, *urls: str, worker: str = "w", crawl: str = "c", **options: int) -> list[str]:
    answers = await fleet.claims.claim(worker=worker, crawl=crawl, urls=urls, **options)
    return [answer.claim.value for answer in answers]


def test_an_image_url_has_one_claimant_until_it_is_settled(run):
    async def scenario(fleet: Fleet):
        assert await claim(fleet, "u") == ["yours"]
        assert await claim(fleet, "u") == ["yours"]  # a repeated call
        assert await claim(fleet, "u", worker="v") == ["busy"]
        await fleet.claims.settle(worker="w", crawl="c", url="u", result="sha or cause", image="i")
        [answer] = await fleet.claims.claim(worker="v", crawl="c", urls=["u"])
        assert (answer.claim, answer.result) == (Claim.DONE, "sha or cause")

    run(scenario)


def test_a_claim_that_gave_nothing_is_free_again(run):
    async def scenario(fleet: Fleet):
        await claim(fleet, "u")
        await fleet.claims.settle(worker="w", crawl="c", url="u", result="")
        assert await claim(fleet, "u", worker="v") == ["yours"]

    run(scenario)


def test_a_dead_workers_claim_is_free_and_its_late_result_harms_nobody(run):
    async def scenario(fleet: Fleet):
        await claim(fleet, "u", max_images=1)
        await fleet.expire("w")
        assert await claim(fleet, "u", worker="v", max_images=1) == ["yours"]
        await fleet.claims.settle(worker="w", crawl="c", url="u", result="", max_images=1)
        assert await claim(fleet, "u", worker="v", max_images=1) == ["yours"]

    run(scenario)


def test_places_are_reserved_so_that_max_images_is_not_exceeded(run):
    async def scenario(fleet: Fleet):
        answers = await claim(fleet, *"abcde", max_images=3)
        assert answers == ["yours"] * 3 + ["reserved"] * 2
        await fleet.claims.settle(worker="w", crawl="c", url="a", result="timeout", max_images=3)
        assert await claim(fleet, "d", worker="v", max_images=3) == ["yours"]
        for url, image in (("b", "i1"), ("c", "i1"), ("d", "i2")):
            await fleet.claims.settle(worker="w", crawl="c", url=url, result="ok", image=image, max_images=3)
        await fleet.claims.settle(worker="v", crawl="c", url="d", result="ok", image="i2", max_images=3)
        assert await fleet.claims.images(crawl="c") == 2  # two URLs gave one image
        assert await claim(fleet, "e", max_images=3) == ["yours"]
        await fleet.claims.settle(worker="w", crawl="c", url="e", result="ok", image="i3", max_images=3)
        assert await claim(fleet, "f", "e", max_images=3) == ["full", "done"]

    run(scenario)


def test_places_of_dead_workers_are_given_to_others(run):
    async def scenario(fleet: Fleet):
        await claim(fleet, "a", "b", max_images=2)
        assert await claim(fleet, "c", worker="v", max_images=2) == ["reserved"]
        await fleet.expire("w")
        assert await claim(fleet, "c", "d", "e", worker="v", max_images=2) == ["yours", "yours", "reserved"]

    run(scenario)


def test_an_image_that_another_crawl_took_counts_for_this_one_within_its_limit(run):
    async def scenario(fleet: Fleet):
        for url in "ab":
            await claim(fleet, url, crawl="first")
            await fleet.claims.settle(worker="w", crawl="first", url=url, result="ok", image=f"i{url}")
        assert await claim(fleet, "a", "b", max_images=1) == ["done", "full"]
        assert await fleet.claims.images(crawl="c") == 1

    run(scenario)
