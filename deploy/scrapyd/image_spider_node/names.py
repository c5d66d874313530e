"""Pure: names that become parts of paths, and what they may be."""

from __future__ import annotations

import re

from image_spider_node.errors import Refused

SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # no "/", no "..", nothing hidden, nothing that reads as an option
PROJECT_CHARACTERS = 100
JOB_CHARACTERS = 150  # with ".log" behind it, within what file systems take
VERSION_CHARACTERS = 200


def check_project(name: str) -> None:
    """Raise Refused (400) unless the name can be a folder."""
    if not SEGMENT.fullmatch(name) or len(name) > PROJECT_CHARACTERS:
        raise Refused(400, f"project {name!r} is not 1 to {PROJECT_CHARACTERS} letters, digits, '_', '-' and '.'")


def check_job(name: str) -> None:
    """Raise Refused (400) unless the job's id can be a file's name."""
    if not SEGMENT.fullmatch(name) or len(name) > JOB_CHARACTERS:
        raise Refused(400, f"jobid {name!r} is not 1 to {JOB_CHARACTERS} letters, digits, '_', '-' and '.'")


def check_version(name: str) -> None:
    """Raise Refused (400) for a version that no one could read; it becomes no part of a path."""
    if not name.strip() or not name.isprintable() or len(name) > VERSION_CHARACTERS:
        raise Refused(400, f"version {name!r} is not 1 to {VERSION_CHARACTERS} printable characters")
