"""Eggs: checked versions of projects. The newest is the one that was activated last, whatever its name."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from scrapyd.exceptions import EggNotFoundError, ProjectNotFoundError
from scrapyd.interfaces import IEggStorage
from zope.interface import implementer

from image_spider_node.database import Database
from image_spider_node.errors import Refused
from image_spider_node.names import check_project

INCOMING = ".incoming"  # eggs that are being checked; no project may be named so


@dataclass(frozen=True, slots=True, kw_only=True)
class EggVersion:
    """A version of a project that passed the check; `path` is the file, named by its SHA-256."""

    project: str
    version: str
    sha256: str
    bytes: int
    spiders: tuple[str, ...]
    validated: datetime
    activated: datetime
    path: Path


class Eggs:
    """The table of versions and their files, `<project>/<sha256>.egg`.

    A file is never changed and is kept while a job runs from it: Python reads modules from an egg at the moment
    they are imported, so a crawl breaks when its egg is replaced. To be used by one thread.
    """

    def __init__(self, *, folder: Path, database: Database, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._database = database
        self._clock = clock

    @property
    def incoming(self) -> Path:
        """The folder, on the same file system, where eggs wait for their check."""
        return self.folder / INCOMING

    def take(self, egg: Path, *, project: str, version: str, sha256: str, spiders: list[str]) -> EggVersion:
        """Move a checked egg in and make it the current version; an OSError or sqlite3.Error changes no version."""
        check_project(project)
        size = egg.stat().st_size
        path = self._path(project, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        egg.replace(path)
        _sync(path.parent)
        row = (project, version, sha256, size, json.dumps(spiders), self._clock(), self._clock())
        with self._database.writing() as connection:
            connection.execute("DELETE FROM eggs WHERE project = ? AND version = ?", (project, version))
            connection.execute(
                "INSERT INTO eggs (project, version, sha256, bytes, spiders, validated, activated) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        return self.get(project, version)

    def activate(self, project: str, version: str) -> EggVersion:
        """Make a version that is here the current one; raise Refused (404) when it is not."""
        self.get(project, version)
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE eggs SET activated = ?, activation = (SELECT max(activation) + 1 FROM eggs) "
                "WHERE project = ? AND version = ?",
                (self._clock(), project, version),
            )
        return self.get(project, version)

    def get(self, project: str, version: str | None = None) -> EggVersion:
        """Return a version, or the current one; raise Refused (404) with words."""
        versions = self.versions(project)
        if not versions:
            raise Refused(404, f"project '{project}' not found")
        if version is None:
            return versions[-1]
        for egg in versions:
            if egg.version == version:
                return egg
        raise Refused(404, f"version '{version}' not found")

    def versions(self, project: str | None = None) -> list[EggVersion]:
        """Return versions in the order of their activation, so that the current one is last."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT project, version, sha256, bytes, spiders, validated, activated FROM eggs "
                "WHERE ? IS NULL OR project = ? ORDER BY activation",
                (project, project),
            ).fetchall()
        return [self._version(row) for row in rows]

    def delete(self, project: str, version: str | None = None) -> None:
        """Forget a version, or all; raise Refused (404). `sweep` deletes files that nothing needs any more."""
        self.get(project, version)
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM eggs WHERE project = ? AND (? IS NULL OR version = ?)", (project, version, version)
            )

    def sweep(self) -> list[Path]:
        """Delete eggs that no version has and no running job was started from; return them."""
        with self._database.reading() as connection:
            needed = {
                (row["project"], row["sha256"])
                for row in connection.execute(
                    "SELECT project, sha256 FROM eggs UNION "
                    "SELECT project, egg_sha256 FROM jobs WHERE started IS NOT NULL AND ended IS NULL"
                )
            }
        found = [path for path in self.folder.glob("*/*.egg") if path.parent.name != INCOMING]
        swept = [path for path in found if (path.parent.name, path.stem) not in needed]
        for path in swept:
            path.unlink(missing_ok=True)
        return swept

    def clear_incoming(self) -> None:
        """Delete what a daemon that was killed had not finished checking."""
        for path in self.incoming.glob("*"):
            path.unlink(missing_ok=True)

    def _path(self, project: str, sha256: str) -> Path:
        return self.folder / project / f"{sha256}.egg"

    def _version(self, row: sqlite3.Row) -> EggVersion:
        return EggVersion(
            project=row["project"],
            version=row["version"],
            sha256=row["sha256"],
            bytes=row["bytes"],
            spiders=tuple(json.loads(row["spiders"])),
            validated=datetime.fromtimestamp(row["validated"], UTC),
            activated=datetime.fromtimestamp(row["activated"], UTC),
            path=self._path(row["project"], row["sha256"]),
        )


def _sync(folder: Path) -> None:
    """Make the new name in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@implementer(IEggStorage)
class EggStorage:
    """Scrapyd's view of `Eggs`: `eggstorage` in scrapyd.conf. `list` ends with the current version."""

    def __init__(self, config: Any) -> None:
        self.eggs = Eggs(folder=Path(config.get("eggs_dir", "eggs")).absolute(), database=Database.of(config))

    def put(self, eggfile: IO[bytes], project: str, version: str) -> None:
        """Refuse: an egg comes in by its check alone."""
        raise Refused(500, "scrapyd.conf must name image_spider_node.deployments.AddVersion as addversion.json")

    def get(self, project: str, version: str | None = None) -> tuple[str, IO[bytes]] | tuple[None, None]:
        """Return the version's name and its open file, or two Nones."""
        try:
            egg = self.eggs.get(project, version)
            return egg.version, egg.path.open("rb")
        except (Refused, FileNotFoundError):
            return None, None

    def list(self, project: str) -> list[str]:
        """Return the names of versions, the current one last."""
        return [egg.version for egg in self.eggs.versions(project)]

    def list_projects(self) -> list[str]:  # type: ignore[valid-type]  # Scrapyd's interface names a method `list`
        """Return the projects that have a version."""
        return list(dict.fromkeys(egg.project for egg in self.eggs.versions()))

    def delete(self, project: str, version: str | None = None) -> None:
        """Forget a version, or the project."""
        try:
            self.eggs.delete(project, version)
        except Refused as error:
            raise (EggNotFoundError if version else ProjectNotFoundError)(str(error)) from error
        self.eggs.sweep()
