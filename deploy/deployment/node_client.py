"""Speaks to a Scrapyd node: stock Scrapyd 1.6, or our node package, which also tells hashes and how jobs ended."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import aiohttp

from deploy.deployment.egg import Egg
from deploy.deployment.target import PASSWORD, USERNAME, Target
from deploy.deployment.versions import Versions

CONNECT_SECONDS = 5.0
ASK_SECONDS = 20.0
LOG_BYTES = 32768  # of the end of a log: the statistics of a crawl take some 4 KB
JOBS = 1000  # how many of the last ones are looked at
LAST_LINES = 8


class Delivery(StrEnum):
    """How far a request that failed has come."""

    NOT_TAKEN = "not taken"  # the node has not seen it
    REFUSED = "refused"  # stock Scrapyd stores an egg first and refuses it then
    UNANSWERED = "unanswered"  # it may be carried out now, later or never


class NodeError(Exception):
    """A node did not do what it was asked; the message says why, and what to do when that is known."""

    def __init__(self, message: str, delivery: Delivery = Delivery.REFUSED) -> None:
        super().__init__(message)
        self.delivery = delivery


class JobState(StrEnum):
    """Scrapyd's words, in the order in which they hold."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job: `pid` while it runs; `log_path` is a path of the node, empty where it gives none."""

    state: JobState
    pid: int | None
    log_path: str


class NodeClient:
    """One project on one node. Every call has a deadline for the whole of it, however slowly bytes trickle in."""

    def __init__(self, *, target: Target, session: aiohttp.ClientSession, upload_seconds: float) -> None:
        self.target = target
        self._session = session
        self._upload_seconds = upload_seconds
        pair = b64encode(f"{target.username}:{target.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"} if target.username else {}

    async def versions(self) -> Versions:
        """Return the project's eggs; of a node that has none, none."""
        query = {"project": self.target.project}
        status, _, body = await self._send("GET", "eggs.json", seconds=ASK_SECONDS, params=query)
        if status != HTTPStatus.NOT_FOUND:
            return _told_versions(_answer("eggs.json", status, body))
        if "not found" in str((_json(body) or {}).get("message")):
            return Versions(order=(), current=None, hashes={})  # it tells hashes, and has no egg of the project
        told = await self._ask("GET", "listversions.json", query=query)
        order = tuple(map(str, told.get("versions", ())))
        return Versions(order=order, current=order[-1] if order else None)

    async def activate(self, version: str) -> None:
        """Make a version that the node has the current one; stock Scrapyd cannot."""
        await self._ask("POST", "activate.json", data={"project": self.target.project, "version": version})

    async def upload(self, egg: Egg, *, sent: Callable[[int], None]) -> None:
        """Send the egg; `sent` is told how many bytes have gone. Returns when the node has listed its spiders."""
        form = aiohttp.FormData()
        form.add_field("project", self.target.project)
        form.add_field("version", egg.version)
        file = _CountedFile(egg.content, sent)
        form.add_field("egg", file, filename="project.egg", content_type="application/octet-stream")
        await self._ask("POST", "addversion.json", data=form, seconds=self._upload_seconds)

    async def spiders(self, version: str) -> tuple[str, ...]:
        """Return what the node lists for a version; the node runs `scrapy list` for it unless it remembers."""
        query = {"project": self.target.project, "_version": version}
        answer = await self._ask("GET", "listspiders.json", query=query, seconds=self._upload_seconds)
        return tuple(map(str, answer.get("spiders", ())))

    async def delete(self, version: str) -> None:
        """Remove a version; one that is not there is removed."""
        data = {"project": self.target.project, "version": version}
        try:
            # A stock node that is still listing spiders answers nobody, and deletes when it has done.
            await self._ask("POST", "delversion.json", data=data, seconds=self._upload_seconds)
        except NodeError as error:
            if "not found" not in str(error):
                raise

    async def schedule(
        self,
        spider: str,
        job: str,
        *,
        version: str | None = None,
        arguments: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start a job with a version, or the current one."""
        fields = {"project": self.target.project, "spider": spider, "jobid": job, **(arguments or {})}
        if version is not None:
            fields["_version"] = version
        pairs = [*fields.items(), *(("setting", f"{name}={value}") for name, value in (settings or {}).items())]
        await self._ask("POST", "schedule.json", data=pairs)

    async def cancel(self, job: str) -> None:
        """Tell a job to end."""
        await self._ask("POST", "cancel.json", data={"project": self.target.project, "job": job})

    async def jobs(self) -> dict[str, Job]:
        """Return the project's jobs by their id, as far as the node remembers them."""
        answer = await self._ask("GET", "listjobs.json", query={"project": self.target.project})
        return {
            str(one["id"]): Job(state=state, pid=one.get("pid"), log_path=str(one.get("log_url") or ""))
            for state in JobState
            for one in answer.get(state, ())
        }

    async def exit_status(self, job: str) -> int | None:
        """Return how a finished job's process ended, negative for a signal; None: nobody knows, as on stock Scrapyd."""
        query = {"project": self.target.project, "limit": str(JOBS)}
        status, _, body = await self._send("GET", "jobs.json", seconds=ASK_SECONDS, params=query)
        if status == HTTPStatus.NOT_FOUND:
            return None
        for one in _answer("jobs.json", status, body).get("finished", ()):
            if one.get("job") == job and isinstance(told := one.get("exit_status"), int):
                return told
        return None

    async def delete_project(self) -> None:
        """Remove the project with all its versions."""
        await self._ask("POST", "delproject.json", data={"project": self.target.project})

    async def log_end(self, path: str) -> str:
        """Return the last LOG_BYTES of a log at a path of the node, such as /logs/project/spider/job.log."""
        # Not "bytes=-32768": Twisted answers 500 when the file is shorter than that.
        _, length, _ = await self._send("HEAD", path.lstrip("/"), seconds=ASK_SECONDS)
        span = f"bytes={max(0, length - LOG_BYTES)}-"
        status, _, body = await self._send("GET", path.lstrip("/"), seconds=ASK_SECONDS, span=span)
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise NodeError(f"the log {path} cannot be read: {status}")
        return body[-LOG_BYTES:].decode(errors="replace")

    async def _ask(
        self,
        method: str,
        service: str,
        *,
        query: Mapping[str, str] | None = None,
        data: Any = None,
        seconds: float = ASK_SECONDS,
    ) -> dict[str, Any]:
        status, _, body = await self._send(method, service, seconds=seconds, params=query, data=data)
        return _answer(service, status, body)

    async def _send(
        self, method: str, path: str, *, seconds: float, span: str = "", **options: Any
    ) -> tuple[int, int, bytes]:
        """Return the status, the length that is announced, and the body."""
        headers = self._headers | ({"Range": span} if span else {})
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))
        try:
            async with self._session.request(
                method, self.target.url + path, headers=headers, timeout=timeout, allow_redirects=False, **options
            ) as answer:
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    raise NodeError(self._unauthorized(), Delivery.NOT_TAKEN)
                return answer.status, answer.content_length or 0, await answer.read()
        except TimeoutError as error:
            is_connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
            what = "cannot be reached" if is_connecting else f"did not answer {path} in time"
            limit = CONNECT_SECONDS if is_connecting else seconds
            raise NodeError(
                f"{what} ({limit:g} s)", Delivery.NOT_TAKEN if is_connecting else Delivery.UNANSWERED
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise NodeError(f"cannot be reached: {error.strerror or error}", Delivery.NOT_TAKEN) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NodeError(f"broke off at {path}: {error or type(error).__name__}", Delivery.UNANSWERED) from error

    def _unauthorized(self) -> str:
        if not self._headers:
            return f"wants a user and a password: {USERNAME} and {PASSWORD}, scrapy.cfg, .netrc or the URL give them"
        return f"refused the password of user {self.target.username}"


class _CountedFile(io.BytesIO):
    """Bytes that tell how many of them were read."""

    def __init__(self, content: bytes, sent: Callable[[int], None]) -> None:
        super().__init__(content)
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._sent(self.tell())
        return piece


def _json(body: bytes) -> dict[str, Any] | None:
    """Return an answer of Scrapyd; None for what is none, such as the page that says that there is no such service."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _answer(service: str, status: int, body: bytes) -> dict[str, Any]:
    """Return an answer that says that all is well; raises NodeError. Stock Scrapyd refuses with the status 200, too."""
    answer = _json(body)
    if answer is None:
        is_proxy = status >= HTTPStatus.INTERNAL_SERVER_ERROR  # one that gave the node up, which may be at work
        delivery = Delivery.UNANSWERED if is_proxy else Delivery.REFUSED
        raise NodeError(f"{service} answered {status} and no JSON: is this a Scrapyd node?", delivery)
    if answer.get("status") != "ok":
        # Our node answers 409 where another was first, and has kept nothing of this request.
        delivery = Delivery.NOT_TAKEN if status == HTTPStatus.CONFLICT else Delivery.REFUSED
        raise NodeError(f"{service} refused: {_last_lines(str(answer.get('message')))}", delivery)
    return answer


def _told_versions(answer: Mapping[str, Any]) -> Versions:
    try:
        eggs: Sequence[Mapping[str, Any]] = answer["eggs"]
        return Versions(
            order=tuple(str(egg["version"]) for egg in eggs),
            current=next((str(egg["version"]) for egg in eggs if egg["current"]), None),
            hashes={str(egg["version"]): str(egg["sha256"]) for egg in eggs},
        )
    except (KeyError, TypeError) as error:
        raise NodeError(f"eggs.json answered in a form that is unknown here: {error!r}") from error


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LAST_LINES:])
