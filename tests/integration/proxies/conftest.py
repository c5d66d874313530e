from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings

from image_spider.downloads import DownloadHandler
from image_spider.extensions.proxies import Proxies
from image_spider.proxies.proxy import parse
from image_spider.spiders.images import ImagesSpider
from tests.integration.proxies.workers import Run, Workers
from tests.redis_servers import RedisServer
from tests.servers import running
from tests.serving import LoopThread
from tests.sites import Site
from tests.tls import TlsProxy, certificate

FAREWELL_SECONDS = 0.3
Fetch = Callable[..., "Response | Exception"]


def proxies_crawler(folder: Path, urls: list[str], **settings: Any) -> Crawler:
    """A crawler with the extension alone, through these proxies."""
    values = {
        "EXTENSIONS": {"image_spider.extensions.proxies.Proxies": 1},
        "DATA_DIR": str(folder),
        "PROXIES": "env",
        "PROXY_LIST": " ".join(urls),
        "PROXY_CONNECT_SECONDS": 5,
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "TWISTED_REACTOR_ENABLED": False,
        "CONTACT_URL": "http://127.0.0.1/",
        "ALLOW_ADDRESSES": "127.0.0.0/8",
    }
    crawler = Crawler(ImagesSpider, Settings(values | settings))
    crawler.spider = crawler._create_spider(url="http://127.0.0.1/")
    crawler._apply_settings()
    return crawler


@pytest.fixture(scope="module", autouse=True)
def without_reactor() -> Iterator[None]:
    """Put away a reactor that other tests of this process have installed: these run on asyncio alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "twisted.internet.reactor", raising=False)
        yield


@pytest.fixture(scope="module")
def crawler(tmp_path_factory: pytest.TempPathFactory) -> Crawler:
    return proxies_crawler(tmp_path_factory.mktemp("crawler"), ["127.0.0.1:9"])


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all downloads: farewells of TLS go on after a session is closed, and need it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(asyncio.sleep(FAREWELL_SECONDS))
    loop.close()


@pytest.fixture
def fetch(crawler: Crawler, loop: asyncio.AbstractEventLoop) -> Fetch:
    """Fetch a URL through one proxy by the download handler; what it raises is returned."""

    def fetch(
        url: str, proxy: str, *, name: str = "", seconds: float = 20, connect_seconds: float = 10
    ) -> Response | Exception:
        extension = crawler.get_extension(Proxies)
        assert extension
        extension.pool.set_proxies([parse(proxy)])
        extension.connect_seconds = connect_seconds
        meta = {"proxy": name or parse(proxy).name, "download_timeout": seconds}

        async def main() -> Response:
            handler = DownloadHandler(crawler)
            try:
                return await handler.download_request(Request(url, meta=meta))
            finally:
                await handler.close()

        try:
            return loop.run_until_complete(main())
        except Exception as error:  # noqa: BLE001 - the tests look at it
            return error

    return fetch


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(RedisServer(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def run(redis_server: RedisServer) -> Run:
    def run(scenario: Callable[[Workers], Awaitable[None]]) -> None:
        async def main() -> None:
            workers = Workers(redis_server.url)
            try:
                await asyncio.wait_for(scenario(workers), 60)
            finally:
                await workers.client.close()

        asyncio.run(main())

    return run


@pytest.fixture
def site() -> Iterator[Site]:
    with Site({"/page": "<p>hello</p>"}) as site:
        yield site


class Door(TlsProxy):
    """Closes what it opened before it is gone: farewells of TLS may take longer than a test."""

    async def _write(self, queue: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        self.sinks = [*getattr(self, "sinks", ()), sink]
        await super()._write(queue, sink)

    async def stop(self) -> None:
        for _ in range(10):  # asyncio loses a connection that is just accepted when its server is closed
            await asyncio.sleep(0)
        await super().stop()
        for sink in getattr(self, "sinks", ()):
            sink.transport.abort()
        for _ in range(10):  # what was aborted is closed by callbacks, and by callbacks of those
            await asyncio.sleep(0)


@contextmanager
def behind_tls(port: int, folder: Path) -> Iterator[int]:
    """The port of a door that speaks TLS, in front of one that does not."""
    loop = LoopThread()
    tls = Door(target=port, certificate=certificate(folder))
    loop.run(tls.start())
    try:
        yield tls.port
    finally:
        loop.run(tls.stop())
        loop.close()


@pytest.fixture
def secure_url(site: Site, tmp_path: Path) -> Iterator[str]:
    """The same site behind TLS."""
    with behind_tls(int(site.url.rpartition(":")[2]), tmp_path / "tls") as port:
        yield f"https://127.0.0.1:{port}"
