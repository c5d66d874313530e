"""`scrapy metrics`: the figures of the fleet for Prometheus."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from image_spider.broker.fleet_figures import FleetFigures
from image_spider.command import ProjectCommand, fleet_settings
from image_spider.config import Config
from image_spider.exceptions import BrokerError, UsageError
from image_spider.frontier.fleet import connect_fleet
from image_spider.spiders.images import ImagesSpider

if TYPE_CHECKING:
    from prometheus_client import Metric
    from scrapy.settings import BaseSettings

PORT = 9410
DEADLINE_SECONDS = 3.0  # Prometheus gives up after ten
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class FleetCollector:
    """Reads the figures anew whenever it is asked, so that what it says is never old; a few milliseconds each time."""

    def __init__(self, settings: BaseSettings) -> None:
        self._settings = settings
        self._trouble = ""

    def collect(self) -> Iterable[Metric]:
        """Return the figures of now; called by a thread for each request."""
        from image_spider.fleet_metrics import families  # here: prometheus-client is an extra

        try:
            figures = asyncio.run(self.read())
        except (BrokerError, UsageError) as error:  # this one: the password was changed
            self._say(f"no figures: {error}")
            return families(None, now_ms=0)
        self._say("")
        return families(figures, now_ms=time.time() * 1000)

    async def read(self) -> FleetFigures:
        """Ask Redis; raises BrokerError when it is away, UsageError when it does not let us in."""
        fleet = connect_fleet(self._settings, spider=ImagesSpider.name, deadline_seconds=DEADLINE_SECONDS)
        try:
            return await fleet.figures.read()
        finally:
            await fleet.client.close()

    def _say(self, trouble: str) -> None:
        """Tell once that there is trouble, and once that it is over."""
        if trouble != self._trouble:
            print(trouble or "figures again", file=sys.stderr, flush=True)  # noqa: T201
            self._trouble = trouble


class Command(ProjectCommand):
    """Serve the figures."""

    def syntax(self) -> str:
        """Return the arguments."""
        return "[--address ADDRESS] [--port PORT]"

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Serve the figures of the fleet to Prometheus, until it is told to end"

    def long_desc(self) -> str:
        """Describe the command."""
        return (
            "Serve what the Redis of REDIS_URL knows of queue, crawls, workers and hosts at /metrics, in Prometheus' "
            "text format. One is enough for a fleet. While Redis is away, image_spider_redis_up is 0 and stands alone."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        super().add_options(parser)
        parser.add_argument("--address", default="127.0.0.1", help="where to listen (default: this machine alone)")
        parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}")

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Serve until SIGINT or SIGTERM."""
        fleet_settings(settings)
        assert self.settings is not None
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ModuleNotFoundError:
            raise UsageError(
                "scrapy", "metrics", "this needs prometheus-client: pip install prometheus-client"
            ) from None
        collector = FleetCollector(self.settings)
        try:
            asyncio.run(collector.read())  # a wrong password is refused now
        except BrokerError as error:
            print(f"no figures yet: {error}", file=sys.stderr, flush=True)  # noqa: T201
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # before threads start, which inherit it
        registry = CollectorRegistry()
        registry.register(collector)
        server, thread = start_http_server(opts.port, opts.address, registry)
        print(f"figures: http://{opts.address}:{server.server_port}/metrics", flush=True)  # noqa: T201
        signal.sigwait(SIGNALS)
        server.shutdown()
        thread.join()
