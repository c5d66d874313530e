"""A task from its first heartbeat to its completion."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import signals

from image_spider import config
from image_spider.exceptions import ImageSpiderError, StoreError, UsageError
from image_spider.figures import Figures
from image_spider.frontier.engine import Engine
from image_spider.task.api import MonitoringApi
from image_spider.task.completion import HURRIED_SECONDS, Outcome, completion_body, deliver
from image_spider.task.config import TaskConfig, TaskEnvironment, read_config
from image_spider.task.heartbeat import Heartbeat
from image_spider.task.output import Output
from image_spider.task.plan import Plan, make_plan
from image_spider.task.progress import Progress
from image_spider.task.records import IMAGE_COLUMNS, Kind, Type, page_columns
from image_spider.task.stops import Stopped, Stops
from image_spider.task.task import ContainerTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.crawler import AsyncCrawlerProcess, Crawler

logger = logging.getLogger(__name__)

FAILED, WRONG_USAGE = 1, 2  # exit codes


class TaskRun:
    """Reads the task's file, crawls, writes the results and reports; whatever happens, the completion is sent."""

    def __init__(self, *, environment: TaskEnvironment, process: AsyncCrawlerProcess, stops: Stops) -> None:
        self._environment = environment
        self._process = process
        self._stops = stops
        self._progress = Progress()
        self._started_at = datetime.now(UTC)
        self._config: TaskConfig | None = None
        self._plan: Plan | None = None
        self._output: Output | None = None
        self._crawler: Crawler | None = None
        self._files: list[Path] = []
        self._opened = False
        self._api: MonitoringApi | None = None
        self._heartbeat: Heartbeat | None = None
        if environment.API_BASE_URL:
            self._api = MonitoringApi(environment.API_BASE_URL, token=environment.API_TOKEN)
            self._heartbeat = Heartbeat(api=self._api, report=self._report, seconds=environment.HEARTBEAT_SECONDS)
        else:
            logger.warning("API_BASE_URL is not set: the task reports to nobody")

    def run(self) -> Outcome:
        """Do the task; raises nothing but what is a fault of the program, after it was reported."""
        try:
            self._stops.begin()
            if self._heartbeat:
                self._heartbeat.start()
            outcome = self._do()
        except Stopped:
            outcome = self._stopped()
        except ImageSpiderError as error:
            outcome = _failure(error)
        except Exception as error:
            self._complete(Outcome(status="failed", error_message=f"{type(error).__name__}: {error}", exit_code=FAILED))
            raise
        self._complete(outcome)
        return outcome

    def _do(self) -> Outcome:
        task_config = self._config = read_config(self._environment.CONFIG_PATH)
        for key in task_config.unknown_keys():
            logger.warning("Unknown key in %s, nothing reads it: %s", self._environment.CONFIG_PATH, key)
        self._plan = make_plan(
            task_config, execution_id=self._environment.TASK_EXECUTION_ID, output=self._environment.OUTPUT_DIR
        )
        task = self._make_task(task_config, self._plan)
        task.output.open()
        self._output = task.output
        crawler = self._crawler = self._make_crawler(self._plan)
        asyncio.get_event_loop().call_soon(self._watch_signals, crawler)  # runs before the crawl, and after Scrapy's
        crawling = self._process.crawl(crawler, task=task)
        self._progress.enter("crawling")
        self._process.start()
        self._stops.ignore()
        self._progress.enter("writing")
        outcome = self._judge(crawler, crawling)
        try:
            self._files = task.output.finish()
        except StoreError as error:
            return _failure(error) if outcome.status == "completed" else outcome  # else its reason would be lost
        return outcome

    def _make_task(self, task_config: TaskConfig, plan: Plan) -> ContainerTask:
        for url in plan.crawl.start_urls:
            self._progress.known(url)
        for url, failure in plan.unusable:
            self._progress.known(url)
            self._progress.settled(url, read=False, failure=failure)
            logger.warning("A target URL is left out: %r is no %s", url, failure.detail)
        if plan.left_out:
            logger.warning("%d target URLs are left out: max_pages is %s", plan.left_out, plan.max_pages)
        asked = task_config.crawl_config
        fields = asked.fields()
        columns: dict[Kind, Mapping[str, Type]] = {"page": page_columns(fields)}
        if asked.extract_images:
            columns["image"] = IMAGE_COLUMNS
        output = task_config.output_config
        return ContainerTask(
            crawl=plan.crawl,
            max_pages=plan.max_pages,
            fields=fields,
            extract_images=asked.extract_images,
            progress=self._progress,
            output=Output(
                folder=output.folder(self._environment.OUTPUT_DIR), file_format=output.format, columns=columns
            ),
        )

    def _make_crawler(self, plan: Plan) -> Crawler:
        """Make the crawler. What the task asks for wins over the environment, and `-s` wins over both."""
        crawler = self._process.create_crawler("images")
        crawler.settings.set("REDIS_URL", "", "cmdline")  # a task is one container's, and no part of a fleet
        for name, value in plan.settings.items():
            crawler.settings.set(name, value, "spider")
        for name, value in plan.defaults.items():
            crawler.settings.set(name, value, "addon")
        crawler.signals.connect(self._spider_opened, signals.spider_opened)
        return crawler

    def _watch_signals(self, crawler: Crawler) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self._progress.enter("stopping")
            if self._opened:  # else nothing is being transferred
                seconds = config.from_settings(crawler.settings).SHUTDOWN_SECONDS
                loop.call_later(seconds, Engine(crawler).cut_short)

        self._stops.watch(lambda: loop.call_soon_threadsafe(stop))

    def _spider_opened(self) -> None:
        self._opened = True

    def _judge(self, crawler: Crawler, crawling: asyncio.Task[None]) -> Outcome:
        """Tell how the crawl ended; raises what it could not begin for."""
        if crawling.done() and not crawling.cancelled() and (error := crawling.exception()):
            raise error
        reason = self._stats().get("finish_reason")
        if error := getattr(crawler.spider, "error", None):
            return _failure(error)
        if reason in (None, "shutdown"):
            return self._stopped()
        if reason != "finished":
            return Outcome(status="failed", error_message=f"the crawl ended: {reason}", exit_code=FAILED)
        self._progress.finish()
        if not self._progress.successful:
            return Outcome(status="failed", error_message="no page could be read", exit_code=FAILED)
        return Outcome(status="completed", error_message="", exit_code=0)

    def _stopped(self) -> Outcome:
        number = self._stops.first
        code = 128 + number if number else FAILED
        return Outcome(
            status="stopped",
            error_message=f"the task was ended by {number.name if number else 'force'}",
            exit_code=code,
        )

    def _complete(self, outcome: Outcome) -> None:
        """Keep the completion in the output folder, and send it."""
        self._stops.ignore()
        self._progress.enter(outcome.status)
        seconds = self._environment.COMPLETION_SECONDS
        deadline = time.monotonic() + (min(seconds, HURRIED_SECONDS) if self._stops.first else seconds)
        if self._heartbeat:
            self._heartbeat.stop(seconds=(deadline - time.monotonic()) / 4)
        body = completion_body(
            execution_id=self._environment.TASK_EXECUTION_ID,
            container_id=self._environment.HOSTNAME,
            outcome=outcome,
            summary=self._summary(outcome),
            items=self._output.first if self._output else (),
            total=self._output.count if self._output else 0,
        )
        if self._output:
            try:
                self._output.keep_result(body)
            except StoreError as error:
                logger.error("%s", error)  # noqa: TRY400 - the message says it all
        if self._api:
            deliver(self._api, body, seconds=deadline - time.monotonic(), hurried=lambda: self._stops.first is not None)

    def _report(self) -> dict[str, object]:
        """Return a heartbeat; called by its thread."""
        return {
            "execution_id": self._environment.TASK_EXECUTION_ID,
            "container_id": self._environment.HOSTNAME,
            "status": "running",
            "progress": self._progress.snapshot(),
            "timestamp": datetime.now(UTC).isoformat(),
        }

    def _stats(self) -> dict[str, Any]:
        return self._crawler.stats.get_stats() if self._crawler and self._opened else {}  # Scrapy has none before

    def _summary(self, outcome: Outcome) -> dict[str, object]:
        stats = self._stats()
        figures = Figures(stats)
        return {
            "task_name": self._config.task_name if self._config else "",
            "status": outcome.status,
            "finish_reason": stats.get("finish_reason"),
            "started_at": self._started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            **self._progress.snapshot(),
            "failures": self._progress.failures(),
            "images": {
                "stored": figures.stored,
                "known": figures.known,
                "duplicates": figures.duplicates,
                "failed": figures.image_failures,
                "bytes": figures.bytes,
            },
            "left_out_urls": self._plan.left_out if self._plan else 0,
            "unknown_keys": list(self._config.unknown_keys()) if self._config else [],
            "output": [str(file) for file in self._files],
            "heartbeats": {"sent": self._heartbeat.sent, "failed": self._heartbeat.failed} if self._heartbeat else {},
        }


def _failure(error: ImageSpiderError) -> Outcome:
    code = WRONG_USAGE if isinstance(error, UsageError) else FAILED
    return Outcome(status="failed", error_message=str(error), exit_code=code)
