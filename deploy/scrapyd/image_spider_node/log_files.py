"""The log files of a node: <logs_dir>/<project>/<spider>/<job>.log."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from image_spider_node.errors import Refused

SUFFIX = ".log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One of them; `modified` in seconds since 1970."""

    project: str
    spider: str
    job: str
    path: Path
    bytes: int
    modified: float


class LogFiles:
    """Finds and opens them. Names come from the network: nothing is opened but a file, and none outside the folder.

    A node whose `logs_dir` is empty has no folder: its jobs write no logs.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def open(self, project: str, spider: str, job: str) -> BinaryIO:
        """Open a job's log; raise Refused: 400 for a name that is a path, 404 when there is no such log."""
        for name in (project, spider, job):
            if name in {"", ".", ".."} or "/" in name or "\0" in name:
                raise Refused(400, f"'{name}' is not allowed: the name of a project, spider or job")
        if self._folder is None:
            raise Refused(404, "this node keeps no logs: logs_dir in scrapyd.conf is empty")
        path = self._folder / project / spider / f"{job}{SUFFIX}"
        try:
            # A FIFO would hold the open up, a link may lead anywhere.
            number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG}:
                raise Refused(404, f"job '{job}' has no log: it has not begun, or its log was deleted") from error
            raise
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise Refused(404, f"the log of job '{job}' is no file")
        return os.fdopen(number, "rb", buffering=0)

    def all(self) -> Iterator[LogFile]:
        """Yield every log, in no order; one that vanishes meanwhile is left out."""
        for project in _folders(self._folder) if self._folder else ():
            for spider in _folders(project):
                for entry in _entries(spider):
                    if entry.name.endswith(SUFFIX) and (status := _status(entry)):
                        yield LogFile(
                            project=project.name,
                            spider=spider.name,
                            job=entry.name.removesuffix(SUFFIX),
                            path=Path(entry.path),
                            bytes=status.st_size,
                            modified=status.st_mtime,
                        )


def _folders(folder: Path) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
