"""The part of the daemon that watches: it takes figures when somebody asks, and lets retention run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scrapyd.interfaces import IPoller
from twisted.application.service import IServiceCollection, Service
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from image_spider_node.database import Database
from image_spider_node.jobs import Jobs
from image_spider_node.log_files import LogFiles
from image_spider_node.machine import Machine
from image_spider_node.metrics import Metrics, NodeFigures, Work
from image_spider_node.outcomes import count_outcomes
from image_spider_node.processes import Processes
from image_spider_node.retention import Retention, Rules

FRESH_SECONDS = 1.0  # figures that are not older are told again: any number of readers costs one look a second
FOLDERS = ("eggs", "logs", "dbs")  # options are eggs_dir, ...
READERS = 4  # of logs at the same time: the daemon's threads are needed for other things too
log = Logger()


class Monitoring(Service):
    """A service of the application; those of HTTP find it by its name. All that may wait for a disk has a thread."""

    name = "monitoring"

    def __init__(
        self,
        *,
        metrics: Metrics,
        retention: Retention,
        logs: LogFiles,
        jobs: Jobs,
        daemon: Callable[[], tuple[int, Mapping[str, int]]],
        retention_seconds: float,
    ) -> None:
        self.jobs = jobs
        self.logs = logs
        self.readers = DeferredSemaphore(READERS)
        self._metrics = metrics
        self._retention = retention
        self._daemon = daemon
        self._retention_seconds = retention_seconds
        self._retaining = LoopingCall(self._retain)
        self._latest: tuple[float, NodeFigures] | None = None
        self._waiting: list[Deferred[NodeFigures]] = []

    @classmethod
    def of(cls, config: Any, app: Any) -> Monitoring:
        """Read scrapyd.conf; raise ConfigError for an option of retention that is not allowed."""
        jobs = Jobs(Database.of(config))
        folder = config.get("logs_dir", "logs")
        logs = LogFiles(Path(folder).absolute() if folder else None)
        folders = {name: Path(path).absolute() for name in FOLDERS if (path := config.get(f"{name}_dir", name))}
        return cls(
            metrics=Metrics(machine=Machine(folders), processes=Processes()),
            retention=Retention(logs=logs, jobs=jobs, rules=Rules.of(config)),
            logs=logs,
            jobs=jobs,
            daemon=lambda: _slots_and_pending(app),
            retention_seconds=config.getfloat("retention_interval", 600.0),
        )

    def startService(self) -> None:
        """Begin to apply the rules of retention, now and then at each interval."""
        super().startService()
        self._retaining.start(self._retention_seconds, now=True)

    def stopService(self) -> None:
        """End that."""
        if self._retaining.running:
            self._retaining.stop()
        super().stopService()

    def figures(self) -> Deferred[NodeFigures]:
        """Return figures of the last second. Who asks while they are being taken waits for the same ones."""
        answer: Deferred[NodeFigures] = Deferred()
        if self._latest and time.monotonic() - self._latest[0] < FRESH_SECONDS:
            answer.callback(self._latest[1])
            return answer
        if not self._waiting:
            deferToThread(self._take, *self._daemon()).addBoth(self._tell)
        self._waiting.append(answer)  # after what may raise: or all who ask later would wait for ever
        return answer

    def _take(self, slots: int, pending: Mapping[str, int]) -> NodeFigures:
        ended = count_outcomes(self.jobs.database)
        work = Work(slots=slots, pending=pending, running=self.jobs.running(), ended=ended)
        return self._metrics.take(work, self._retention.figures)

    def _tell(self, result: NodeFigures | Failure) -> None:
        if not isinstance(result, Failure):
            self._latest = time.monotonic(), result
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer.callback(result)  # a Failure takes the way of errors

    def _retain(self) -> Deferred[None]:
        done: Deferred[None] = deferToThread(self._retention.apply)
        return done.addErrback(_say)


def monitoring_of(app: Any) -> Monitoring:
    """Return the application's; raise KeyError when it has none."""
    found: Monitoring = _service(app, Monitoring.name)
    return found


def _service(app: Any, name: str) -> Any:
    services: Any = IServiceCollection(app)  # an interface, of which mypy knows too little
    return services.getServiceNamed(name)


def _slots_and_pending(app: Any) -> tuple[int, dict[str, int]]:
    queues = app.getComponent(IPoller).queues
    return _service(app, "launcher").max_proc, {project: queue.count() for project, queue in queues.items()}


def _say(failure: Failure) -> None:
    """Log an error, whatever it is: retention would end for good with it."""
    words = "Logs and jobs could not be cleared away, it is tried again: {error}"
    if failure.check(OSError, sqlite3.Error):
        log.error(words, error=failure.getErrorMessage())
    else:
        log.failure(words, failure, error=failure.getErrorMessage())
