"""The resolver's memory and its threads; what it lets through is in tests/integration/test_address_guard.py."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from image_spider.addresses import AddressRules
from image_spider.refusals import RefusedRequest
from image_spider.resolver import Resolver
from tests.waiting import wait_until

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


class Names:
    """A look-up function that counts, and that waits while it is told to."""

    def __init__(self, addresses: Sequence[str] = PUBLIC) -> None:
        self.addresses = addresses
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        self.open.wait(30)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses


def run(names: Names, use: Callable[[Resolver], Awaitable[object]], **options: float) -> None:
    async def main() -> None:
        values = {"seconds": 60.0, "size": 100, "threads": 8, "deadline": 30.0, **options}
        resolver = Resolver(rules=AddressRules(), look_up=names, **values)  # type: ignore[arg-type]
        try:
            await use(resolver)
        finally:
            names.open.set()
            await resolver.close()

    asyncio.run(main())


def test_the_answer_has_the_form_that_aiohttp_connects_by():
    async def use(resolver: Resolver) -> None:
        four, six = await resolver.resolve("example.com", 8080)
        assert (four["host"], four["port"], four["family"]) == (PUBLIC[0], 8080, socket.AF_INET)
        assert (six["host"], six["family"], six["hostname"]) == (PUBLIC[1], socket.AF_INET6, "example.com")
        assert [found["host"] for found in await resolver.resolve("example.com", 80, socket.AF_INET6)] == PUBLIC[1:]

    run(Names(), use)


def test_many_who_ask_for_a_name_at_once_cost_one_look_up():
    names = Names()

    async def use(resolver: Resolver) -> None:
        await asyncio.gather(*(resolver(host) for host in ["example.com", "EXAMPLE.com"] * 50))
        await resolver("example.com")
        assert names.asked == ["example.com"]

    run(names, use)


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"]], ids=["no such name", "refused"])
def test_a_bad_answer_is_remembered_too(addresses: list[str]):
    names = Names(addresses)

    async def use(resolver: Resolver) -> None:
        for _ in range(5):
            with pytest.raises((socket.gaierror, RefusedRequest)):
                await resolver("inside.example")
        assert len(names.asked) == 1

    run(names, use)


def test_the_memory_has_a_bound_and_the_oldest_answer_goes_first():
    names = Names()

    async def use(resolver: Resolver) -> None:
        for host in ("a.example", "b.example", "a.example", "c.example", "a.example", "b.example"):
            await resolver(host)
        assert names.asked == ["a.example", "b.example", "c.example", "b.example"]

    run(names, use, size=2)


def test_the_names_of_a_slow_domain_leave_threads_for_others():
    names = Names()

    async def use(resolver: Resolver) -> None:
        names.open.clear()
        slow = [asyncio.ensure_future(resolver(f"{number}.slow.example.org")) for number in range(50)]
        await asyncio.to_thread(wait_until, lambda: len(names.asked) == 2)  # a quarter of eight threads
        quick = asyncio.ensure_future(resolver("example.com"))
        await asyncio.to_thread(wait_until, lambda: "example.com" in names.asked)
        assert len(names.asked) == 3
        names.open.set()
        await asyncio.gather(quick, *slow)
        assert len(names.asked) == 51

    run(names, use)


def test_a_look_up_that_takes_too_long_is_an_error_for_who_asked_and_answers_later():
    names = Names()

    async def use(resolver: Resolver) -> None:
        names.open.clear()
        with pytest.raises(socket.gaierror, match="takes longer"):
            await resolver("slow.example")
        names.open.set()
        while True:
            try:
                assert [str(address) for address in await resolver("slow.example")] == PUBLIC
                break
            except socket.gaierror:
                continue
        assert names.asked == ["slow.example"]

    run(names, use, deadline=0.05)


def test_a_name_that_no_look_up_can_take_has_no_address():
    class Strict(Names):
        def __call__(self, host: str) -> Sequence[str]:
            raise UnicodeEncodeError("idna", host, 0, 1, "label empty or too long")

    async def use(resolver: Resolver) -> None:
        with pytest.raises(socket.gaierror, match="label empty"):
            await resolver("strange.example")

    run(Strict(), use)
