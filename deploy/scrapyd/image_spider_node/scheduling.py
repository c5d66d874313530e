"""Services about jobs: schedule, cancel, and what became of them."""

from __future__ import annotations

import math
import signal as signals
import sqlite3
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from scrapyd import webservice
from scrapyd.webservice import param
from twisted.logger import Logger

from image_spider_node.errors import Refused
from image_spider_node.jobs import JobRecord, Jobs, WaitingJob
from image_spider_node.names import check_job
from image_spider_node.service import Service

MAX_LISTED = 10_000
TAKEN = frozenset(("self", "name", "spider_name", "_project", "_spider"))  # names that Scrapyd's queue gives itself
log = Logger()


class JobService(Service):
    """A service that works on jobs."""

    @property
    def jobs(self) -> Jobs:
        """The table of jobs of this node."""
        jobs: Jobs = self.root.launcher.jobs
        return jobs

    def check_known(self, project: str) -> None:
        """Raise Refused (404) for a project that has no egg."""
        if project not in self.root.poller.queues:
            raise Refused(404, f"project '{project}' not found")


class Schedule(JobService):
    """schedule.json: as Scrapyd's, but an id is checked, and is used once, also after the job's end and a restart."""

    @param("project")
    @param("spider")
    @param("_version", dest="version", required=False, default=None)
    @param("jobid", required=False, default=lambda: uuid.uuid4().hex)
    @param("priority", required=False, default=0.0, type=float)
    @param("setting", required=False, default=list, multiple=True)
    def render_POST(
        self,
        txrequest: Any,
        project: str,
        spider: str,
        version: str | None,
        jobid: str,
        priority: float,
        setting: list[str],
    ) -> dict[str, Any]:
        """Write the job down, then queue it: what is written down will be queued, come what may."""
        self.check_known(project)
        check_job(jobid)
        if spider not in self.root.eggstorage.eggs.get(project, version).spiders:
            raise Refused(404, f"spider '{spider}' not found")
        if wrong := [words for words in setting if "=" not in words]:
            raise Refused(400, f"setting '{wrong[0]}' is not NAME=VALUE")
        if not math.isfinite(priority):
            raise Refused(400, f"priority {priority} is not a finite number")
        arguments: dict[str, Any] = _arguments(txrequest.args)
        if any("\0" in words for words in (*arguments, *arguments.values(), *setting)):
            raise Refused(400, "an argument or a setting has a NUL character, which no process can be given")
        if version is not None:
            arguments["_version"] = version
        arguments |= {"settings": dict(words.split("=", 1) for words in setting), "_job": jobid}
        message = arguments | {"name": spider}
        job = WaitingJob(project=project, spider=spider, job=jobid, priority=priority, message=message)
        self.jobs.schedule(job)
        try:
            self.root.scheduler.schedule(project, spider, priority=priority, **arguments)
        except sqlite3.OperationalError as error:
            log.error("Job {job} will be queued later: {error}", job=jobid, error=error)
        return {"jobid": jobid}


class Cancel(JobService):
    """cancel.json: takes a job from the queue, or sends its crawl a signal; found-again crawls too."""

    @param("project")
    @param("job")
    @param("signal", required=False, default="INT")
    def render_POST(self, txrequest: object, project: str, job: str, signal: str) -> dict[str, Any]:
        """Answer with the state that the job was in, as Scrapyd does."""
        number = _signal(signal)
        previous = self.jobs.state(project, job)
        if previous is None:
            self.check_known(project)
        queue = self.root.poller.queues.get(project)  # a crawl may outlive its project
        if queue and queue.remove(lambda message: message.get("_job") == job):
            previous = "pending"
        if not self.jobs.cancel(project, job):
            for process in self.root.launcher.processes.values():
                if (process.project, process.job) == (project, job):
                    process.send(number)
        return {"prevstate": previous if previous != "finished" else None}


class Status(JobService):
    """status.json: as Scrapyd's, but for every job that retention has not forgotten."""

    @param("job")
    @param("project", required=False)
    def render_GET(self, txrequest: object, job: str, project: str | None) -> dict[str, Any]:
        """Answer with "pending", "running", "finished" or null."""
        states = (self.jobs.state(name, job) for name in ([project] if project else self.root.poller.queues))
        state = next((state for state in states if state), None)
        if project is not None and state is None:
            self.check_known(project)
        return {"currstate": state}


class ListRecords(JobService):
    """jobs.json: what listjobs.json does not tell: exit status, finish reason, version, SHA-256, times in UTC."""

    @param("project", required=False)
    @param("limit", required=False, default=100, type=int)
    def render_GET(self, txrequest: object, project: str | None, limit: int) -> dict[str, Any]:
        """Answer with waiting, running, and the last `limit` finished jobs."""
        if not 0 <= limit <= MAX_LISTED:
            raise Refused(400, f"limit must be between 0 and {MAX_LISTED}")
        return {
            "pending": [
                {"project": job.project, "spider": job.spider, "job": job.job, "priority": job.priority}
                for job in self.jobs.waiting()
                if project in (None, job.project)
            ],
            "running": [_told(job) for job in self.jobs.running() if project in (None, job.project)],
            "finished": [_told(job) for job in self.jobs.finished(limit, project=project)],
        }


class ListJobs(Service, webservice.ListJobs):
    """listjobs.json, as Scrapyd's."""


class DaemonStatus(Service, webservice.DaemonStatus):
    """daemonstatus.json, as Scrapyd's."""


def _arguments(sent: dict[bytes, list[bytes]]) -> dict[str, str]:
    """Return the spider's arguments; raise Refused (400) for what Scrapyd cannot hand on."""
    try:
        arguments = {name.decode(): values[0].decode() for name, values in sent.items()}
    except UnicodeDecodeError as error:
        raise Refused(400, "a spider's argument is not text in UTF-8") from error
    if taken := sorted(TAKEN & arguments.keys()):
        raise Refused(400, f"a spider's argument cannot be called '{taken[0]}': Scrapyd needs the name itself")
    return arguments


def _signal(name: str) -> int:
    """Return the number of "INT", "SIGINT" or "2"; raise Refused (400)."""
    try:
        number = int(name) if name.isdigit() else signals.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
        return signals.Signals(number)
    except (KeyError, ValueError) as error:
        raise Refused(400, f"signal '{name}' is unknown: INT, TERM, KILL or a number") from error


def _told(job: JobRecord) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(job).items()}
