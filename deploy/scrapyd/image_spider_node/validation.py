"""Checks an egg before it becomes a version: the archive in a thread, imports and `scrapy list` in a child."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from image_spider_node import runner
from image_spider_node.environment import without_credentials
from image_spider_node.errors import Refused, is_disk_full

REFUSED_EGG = 422
UNPACKED_TIMES = 100  # an egg of code unpacks to some 4 times its size; what is beyond this was made to hurt
OUTPUT_BYTES = 1 << 20
WORDS_CHARACTERS = 4000  # of the child's last words, in the answer
GRACE_SECONDS = 10  # by which the child's own alarm comes later than the node's
NO_ENTRY_POINT = "it has no entry point 'settings' in the group 'scrapy': build it with scrapyd-deploy, or see setup.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An egg that was written to `incoming` and whose bytes are whole."""

    path: Path
    sha256: str


def write_archive(content: bytes, *, incoming: Path) -> Archive:
    """Write an egg durably and read all of it; raise Refused (422, 507). Blocks: call it from a thread."""
    incoming.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=incoming, suffix=".egg")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _read_through(path)
    except OSError as error:
        path.unlink(missing_ok=True)
        if is_disk_full(error):
            free = shutil.disk_usage(incoming).free
            message = f"the node's disk is full: the egg has {len(content):,} bytes, {free:,} are free: make room"
            raise Refused(507, message) from error
        raise
    except Refused:
        path.unlink(missing_ok=True)
        raise
    return Archive(path=path, sha256=hashlib.sha256(content).hexdigest())


def _read_through(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > UNPACKED_TIMES * path.stat().st_size:
                raise Refused(REFUSED_EGG, f"the egg is a bomb: it would unpack to {unpacked:,} bytes")
            if damaged := archive.testzip():
                raise Refused(REFUSED_EGG, f"the egg is damaged at {damaged}: upload it again")
            points = ConfigParser()
            points.read_string(archive.read("EGG-INFO/entry_points.txt").decode())
            if not points.has_option("scrapy", "settings"):
                raise Refused(REFUSED_EGG, f"the egg is not a Scrapy project: {NO_ENTRY_POINT}")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Refused(REFUSED_EGG, f"the egg is not a whole ZIP file ({error}): upload it again") from error
    except (KeyError, Error, UnicodeDecodeError) as error:
        raise Refused(REFUSED_EGG, f"the egg is not a Scrapy project: {NO_ENTRY_POINT}") from error


def list_spiders(
    egg: Path, *, project: str, environment: Mapping[str, str], deadline_seconds: float, reactor: Any
) -> Deferred[list[str]]:
    """Return what `scrapy list` prints for the egg; fail with Refused (422) and the child's words."""
    check = _Check(deadline_seconds, reactor)
    words = [sys.executable, "-P", "-m", runner.__name__, "list", "-s", "LOG_STDOUT=0", "-s", "LOG_FILE="]
    told = without_credentials(environment) | {
        "SCRAPY_PROJECT": project,
        "PYTHONIOENCODING": "UTF-8",
        runner.EGG: str(egg),
        runner.DEADLINE: str(int(deadline_seconds) + GRACE_SECONDS),
    }
    reactor.spawnProcess(check, sys.executable, words, env=told)
    return check.spiders


class _Check(ProcessProtocol):
    """A child that lists spiders, and is killed with all that it started when the deadline passes."""

    def __init__(self, deadline_seconds: float, reactor: Any) -> None:
        self.spiders: Deferred[list[str]] = Deferred()
        self._deadline_seconds = deadline_seconds
        self._reactor = reactor
        self._output = {1: bytearray(), 2: bytearray()}
        self._late = False

    def connectionMade(self) -> None:
        """Set the deadline."""
        transport: Any = self.transport
        self._pid = transport.pid
        self._began = time.monotonic()
        self._deadline = self._reactor.callLater(self._deadline_seconds, self._kill)
        transport.closeStdin()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Keep the end of what the child says."""
        output = self._output[childFD]
        output += data
        del output[:-OUTPUT_BYTES]

    def _kill(self) -> None:
        self._late = True
        for kill in (os.killpg, os.kill):  # it leads a group once Python runs in it
            try:
                kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        # What it started and let go of may hold the pipes: its end is not to wait for theirs.
        transport: Any = self.transport
        transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        """Tell the spiders, or why there are none."""
        if self._deadline.active():
            self._deadline.cancel()
        out, error = (self._output[number].decode(errors="replace").strip() for number in (1, 2))
        status = getattr(reason.value, "exitCode", 0)
        spiders = out.splitlines()
        if self._late:
            why = f"`scrapy list` had not ended after {self._deadline_seconds:g} s, so it was killed"
        elif status != 0:
            death = getattr(reason.value, "signal", None)
            why = "`scrapy list` " + (f"was killed by signal {death}" if death else f"failed with status {status}")
        elif not spiders:
            why = "`scrapy list` found no spider in it"
        else:
            self.spiders.callback(spiders)
            return
        said = (error or out)[-WORDS_CHARACTERS:]
        self.spiders.errback(Refused(REFUSED_EGG, f"the egg was not taken: {why}{':' if said else ''}\n{said}".strip()))
