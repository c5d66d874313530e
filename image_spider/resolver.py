"""Names to addresses: looked up in a few threads, remembered for a while, checked before anyone connects to them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from weakref import WeakValueDictionary

from aiohttp.abc import AbstractResolver, ResolveResult

from image_spider import causes
from image_spider.addresses import Address, AddressRules
from image_spider.refusals import RefusedRequest
from image_spider.urls import registrable_domain

NEGATIVE_SECONDS = 10.0  # "no such name" is believed so long: a page may link a thousand images of one dead host
UNSURE_SECONDS = 1.0  # and "the server does not answer" so long
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
UNSURE = (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM)

LookUp = Callable[[str], Sequence[str]]


def look_up(host: str) -> Sequence[str]:
    """Return the addresses of a name, as this machine's C library finds them; blocks, raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(_with_scope(sockaddr) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a look-up gave: addresses that may be connected to, why there are none, or the error."""

    until: float  # time.monotonic()
    addresses: tuple[Address, ...] = ()
    refusal: str = ""
    error: OSError | None = None


class Resolver(AbstractResolver):
    """Answers with addresses of which every one may be connected to; else raises RefusedRequest.

    A name one of whose addresses is refused is refused whole. There is one look-up of a name at a time and none while
    its answer is remembered, at most seconds long: getaddrinfo does not tell how long the name's owner wants it to be.
    A quarter of the threads, at most, serve the names of one registrable domain: its name servers may be slow on
    purpose. A look-up that takes longer than deadline is an error for who asked, but holds its thread until it ends.
    """

    def __init__(
        self,
        *,
        rules: AddressRules,
        seconds: float,
        size: int,
        threads: int,
        deadline: float,
        look_up: LookUp = look_up,
    ) -> None:
        self._rules = rules
        self._seconds = seconds
        self._size = size
        self._deadline = deadline
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="names")
        self._share = max(1, threads // 4)
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[_Answer]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name in aiohttp's form; raises RefusedRequest or OSError."""
        found = [(address, socket.AF_INET if address.version == 4 else socket.AF_INET6) for address in await self(host)]
        return [
            ResolveResult(hostname=host, host=str(address), port=port, family=kind, proto=0, flags=NUMERIC)
            for address, kind in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def __call__(self, host: str) -> tuple[Address, ...]:
        """Return the addresses of a name; raises RefusedRequest when it may not be connected to, OSError for none."""
        host = host.lower()
        if refusal := self._rules.refusal_of_host(host):
            raise RefusedRequest(causes.BLOCKED_ADDRESS, refusal)
        answer = self._remembered(host) or await self._asked(host)
        if answer.error:
            raise socket.gaierror(*answer.error.args)  # a new one: each raise adds to an error's traceback
        if answer.refusal:
            raise RefusedRequest(causes.BLOCKED_ADDRESS, f"{host} leads to a refused address: {answer.refusal}")
        return answer.addresses

    async def close(self) -> None:
        """Begin no further look-up."""
        for task in self._under_way.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remembered(self, host: str) -> _Answer | None:
        answer = self._answers.get(host)
        if answer is None or answer.until < time.monotonic():
            return None
        self._answers.move_to_end(host)
        return answer

    async def _asked(self, host: str) -> _Answer:
        """Look a name up, or wait for who does so already."""
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.ensure_future(self._ask(host))
            task.add_done_callback(lambda _: self._under_way.pop(host, None))
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.shield(task)
        except TimeoutError:
            raise socket.gaierror(
                socket.EAI_AGAIN, f"the look-up of {host} takes longer than {self._deadline:g} s"
            ) from None

    async def _ask(self, host: str) -> _Answer:
        lane = self._lanes.setdefault(registrable_domain(f"http://{host}/"), asyncio.Semaphore(self._share))
        async with lane:
            try:
                texts = await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host)
                answer = self._judged(host, texts)
            except (OSError, UnicodeError) as error:  # a label of 64 characters is a UnicodeError of Python's own
                answer = _failed(error)
        self._answers[host] = answer
        self._answers.move_to_end(host)
        while len(self._answers) > self._size:
            self._answers.popitem(last=False)
        return answer

    def _judged(self, host: str, texts: Sequence[str]) -> _Answer:
        """Check every address that a look-up gave."""
        if not texts:
            return _failed(socket.gaierror(socket.EAI_NONAME, f"{host} has no address"))
        addresses = tuple(ip_address(text) for text in texts)
        refusals = filter(None, map(self._rules.refusal, addresses))
        return _Answer(until=time.monotonic() + self._seconds, addresses=addresses, refusal=next(refusals, ""))


def _failed(error: OSError | UnicodeError) -> _Answer:
    failure = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error))
    seconds = UNSURE_SECONDS if failure.errno in UNSURE else NEGATIVE_SECONDS
    return _Answer(until=time.monotonic() + seconds, error=failure)


def _with_scope(sockaddr: tuple[object, ...]) -> str:
    """Return the address of a socket address; with its scope, which AddressRules refuses, if it has one."""
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    text = str(sockaddr[0])
    return f"{text}%{scope}" if scope and "%" not in text else text
