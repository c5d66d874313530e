"""Pure: the HTTP status and the words that an error is answered with."""

from __future__ import annotations

from scrapyd.exceptions import DirectoryTraversalError, EggNotFoundError, ProjectNotFoundError
from twisted.web import error, http

from image_spider_node.errors import Refused, is_disk_full, is_locked


def answer_of(failure: BaseException) -> tuple[int, str]:
    """Return the HTTP status and the words for an error; 500 for one that nobody expected.

    Scrapyd's own services raise nearly all of theirs with the status 200.
    """
    if isinstance(failure, Refused):
        return failure.status, str(failure)
    if isinstance(failure, error.Error):
        words = (failure.message or b"").decode(errors="replace")
        stated = int(failure.status)
        return (stated if stated >= http.BAD_REQUEST else 404 if words.endswith("not found") else 400), words
    if isinstance(failure, ProjectNotFoundError | EggNotFoundError):
        return 404, str(failure) or "project or version not found"
    if isinstance(failure, DirectoryTraversalError):
        return 400, f"'{failure}' leads out of the node's folders"
    if is_disk_full(failure):
        return 507, f"the node's disk is full ({failure}): make room and try again"
    if is_locked(failure):
        return 503, "the node's database is locked, by a disk that is slow or by another program: try again"
    return 500, f"{type(failure).__name__}: {failure}"
