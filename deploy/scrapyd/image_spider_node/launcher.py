"""Starts crawls in slots and knows their ends, over restarts of the daemon too: `launcher` in scrapyd.conf."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from scrapyd.exceptions import ScrapydError
from scrapyd.interfaces import IEggStorage, IEnvironment, IPoller, ISpiderScheduler
from scrapyd.launcher import Launcher as StockLauncher
from scrapyd.launcher import get_crawl_args
from twisted.application.service import Service
from twisted.internet import reactor as twisted_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from image_spider_node import runner
from image_spider_node.crawl_process import CrawlProcess
from image_spider_node.eggs import Eggs, EggVersion
from image_spider_node.environment import without_credentials
from image_spider_node.errors import Refused
from image_spider_node.jobs import JobRecord, Jobs, Start, WaitingJob
from image_spider_node.names import check_job
from image_spider_node.recovery import Fate, fate_of

LOOK_SECONDS = 1.0  # at crawls that are not our children
REQUEUE_SECONDS = 10.0
log = Logger()
reactor: Any = twisted_reactor  # which is a module for type checkers


class Launcher(StockLauncher):
    """Scrapyd's launcher, but a job runs once, a slot always comes back, and crawls outlive the daemon.

    `stop_crawls_seconds` above 0 tells the crawls to end with the daemon and waits so long for them, as a container
    needs it, which takes them with it; 0 leaves them to the next daemon.
    """

    def __init__(self, config: Any, app: Any) -> None:
        super().__init__(config, app)
        self.jobs: Jobs = self.finished.jobs
        self._stop_seconds = config.getfloat("stop_crawls_seconds", 0.0)
        self._stopping: Deferred[None] | None = None
        self._look = LoopingCall(_guarded, self._look_after)
        self._requeue = LoopingCall(_guarded, self.requeue)

    @property
    def eggs(self) -> Eggs:
        """The versions that crawls are started from."""
        eggs: Eggs = self.app.getComponent(IEggStorage).eggs
        return eggs

    def startService(self) -> None:
        """Find crawls again, give lost jobs back to the queue, then offer the free slots."""
        Service.startService(self)
        for slot, record in enumerate(self._recover()):
            self._occupy(slot, CrawlProcess(record, jobs=self.jobs, ended=partial(self._settle, slot), found=True))
        log.info(
            "Node started: {slots} slots, {found} crawls found again", slots=self.max_proc, found=len(self.processes)
        )
        self.requeue()
        self.eggs.clear_incoming()
        self.eggs.sweep()
        self._look.start(LOOK_SECONDS, now=False)
        self._requeue.start(REQUEUE_SECONDS, now=False)
        for slot in range(self.max_proc):
            if slot not in self.processes:
                self._get_message(slot)

    def stopService(self) -> Deferred[None] | None:
        """Leave the crawls to the next daemon, or end them first."""
        Service.stopService(self)
        _stop(self._requeue)
        self._stopping = Deferred()
        if self._stop_seconds and self.processes:
            log.info("Telling {count} crawls to end", count=len(self.processes))
            for process in list(self.processes.values()):
                if not process.send(signal.SIGTERM):
                    self.jobs.release(process.project, process.job)  # it has not begun: the next daemon will begin it
            self._stopping.addTimeout(self._stop_seconds, reactor, onTimeoutCancel=_give_up)
        else:
            self._stopping.callback(None)
        return self._stopping.addBoth(lambda _: _stop(self._look))

    def requeue(self) -> None:
        """Queue jobs again that left the queue and were never begun: the daemon was killed, or the disk was full."""
        held = {(process.project, process.job) for process in self.processes.values()}
        for record in self.jobs.running():
            if (record.project, record.job) not in held:  # an error came between its start and its process
                self._is_over(record)
        waiting = self.jobs.waiting()
        queues = self.app.getComponent(ISpiderScheduler).queues
        queued = {(name, message["_job"]) for name, queue in queues.items() if waiting for message in queue.list()}
        for job in waiting:
            if job.project in queues and (job.project, job.job) not in queued:
                message = {key: value for key, value in job.message.items() if key != "name"}
                queues[job.project].add(job.spider, priority=job.priority, **message)
                log.info("Job {job} of {project} is queued again", job=job.job, project=job.project)

    def _recover(self) -> list[JobRecord]:
        """Return the jobs that run; settle those that do not."""
        return [record for record in self.jobs.running() if not self._is_over(record)]

    def _is_over(self, record: JobRecord | None) -> bool:
        """Tell whether a slot is free of this job; write down what nobody else will."""
        what = fate_of(record) if record else Fate.ENDED
        if what is Fate.RUNNING or record is None:
            return record is None
        if what is Fate.UNCLAIMED:
            self.jobs.release(record.project, record.job)
            # The watcher may have claimed it in between.
            again = self.jobs.find(record.project, record.job)
            return not (again and again.pid and not again.ended)
        if what is Fate.VANISHED and self.jobs.end(record.project, record.job, exit_status=None):
            log.error("Job {job} of {project} vanished: exit status unknown", job=record.job, project=record.project)
        return True

    def _get_message(self, slot: int) -> None:
        if self._stopping is None and slot < self.max_proc:
            waiting = self.app.getComponent(IPoller).next()
            waiting.addCallback(self._spawn_process, slot).addErrback(self._not_started, slot)

    def _spawn_process(self, message: dict[str, Any], slot: int) -> None:
        """Start the crawl of a message, or write down that it cannot be; an error that may pass is raised."""
        job = _waiting(message)
        try:
            check_job(job.job)
            egg = self.eggs.get(job.project, message.get("_version"))
            message = message | {"settings": dict(message.get("settings", {}))}
            message["settings"] |= self.app.getComponent(IEnvironment).get_settings(message)
            args = [sys.executable, "-P", "-m", runner.__name__, "crawl", *get_crawl_args(message)]
        except (Refused, ScrapydError, TypeError, ValueError) as error:
            log.error("Job {job} of {project}: {error}", job=job.job, project=job.project, error=error)
            self.jobs.refuse(job, reason=str(error))
            self._get_message(slot)
            return
        start = Start(
            project=job.project,
            spider=job.spider,
            job=job.job,
            token=secrets.token_hex(16),
            log=message["settings"].get("LOG_FILE"),
            version=egg.version,
            egg_sha256=egg.sha256,
        )
        if not self.jobs.start(start, message=job.message):
            log.warn("Job {job} of {project} is not run twice", job=job.job, project=job.project)
            self._get_message(slot)
            return
        record = self.jobs.find(job.project, job.job)
        assert record
        process = CrawlProcess(record, jobs=self.jobs, ended=partial(self._settle, slot))
        environ = self._environment(message, slot, start, egg)
        try:
            _spawn(process, args, environ, start.log)
        except OSError:
            self.jobs.release(job.project, job.job)
            raise
        self._occupy(slot, process)

    def _environment(self, message: dict[str, Any], slot: int, start: Start, egg: EggVersion) -> dict[str, str]:
        environment = self.app.getComponent(IEnvironment).get_environment(message, slot)
        return without_credentials(environment) | {
            "SCRAPYD_EGG_VERSION": egg.version,
            runner.EGG: str(egg.path),
            runner.DATABASE: str(self.jobs.database.path),
            runner.JOB: start.job,
            runner.TOKEN: start.token,
        }

    def _occupy(self, slot: int, process: CrawlProcess) -> None:
        self.processes[slot] = process
        log.info("Slot {slot} runs job {job} of {project}", slot=slot, job=process.job, project=process.project)

    def _not_started(self, failure: Failure, slot: int) -> None:
        """Give the slot back, whatever went wrong. A job that was written down is tried again by `requeue`."""
        log.error("A job could not be started: {error}", error=failure.getErrorMessage())
        reactor.callLater(LOOK_SECONDS, self._get_message, slot)

    def _look_after(self) -> None:
        """Look at crawls that are not our children."""
        for slot, process in list(self.processes.items()):
            if not process.watched:
                self._settle(slot)

    def _settle(self, slot: int) -> None:
        """Free the slot when its job is over; a crawl whose watcher died first keeps it."""
        process = self.processes[slot]
        if not self._is_over(process.record()):
            return
        del self.processes[slot]
        log.info("Slot {slot} is free, job {job} is over", slot=slot, job=process.job)
        with suppress(OSError):
            self.eggs.sweep()
        if self._stopping and not self.processes and not self._stopping.called:
            self._stopping.callback(None)
        self._get_message(slot)


def _spawn(process: CrawlProcess, args: list[str], environ: dict[str, str], log_file: str | None) -> None:
    """Start the watcher. Its output and the crawl's go to the job's log: pipes to the daemon would break with it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    output = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if log_file else os.dup(2)
    try:
        reactor.spawnProcess(process, args[0], args, env=environ, childFDs={0: nothing, 1: output, 2: output})
    finally:
        os.close(nothing)
        os.close(output)


def _waiting(message: dict[str, Any]) -> WaitingJob:
    """Return the job of a message that the poller handed out."""
    known = {key: value for key, value in message.items() if key not in ("_project", "_spider")}
    return WaitingJob(
        project=message["_project"],
        spider=message["_spider"],
        job=str(message.get("_job")),
        priority=0.0,
        message=known | {"name": message["_spider"]},
    )


def _stop(loop: LoopingCall) -> None:
    if loop.running:  # it may have ended with an error of the start
        loop.stop()


def _guarded(function: Callable[[], None]) -> Deferred[None]:
    """Call a function whose error must not end the loop that calls it: log it, the next call comes."""
    return maybeDeferred(function).addErrback(lambda failure: log.failure("The next try comes by itself", failure))


def _give_up(_: object, seconds: float) -> None:
    log.warn("Crawls had not ended after {seconds} s, the next daemon will find them", seconds=seconds)
