"""Services about versions: upload with its check, list, activate, delete."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any

from scrapyd import webservice
from scrapyd.webservice import param
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from image_spider_node.eggs import Eggs, EggVersion
from image_spider_node.errors import Refused
from image_spider_node.jobs import CANCELLED
from image_spider_node.names import check_project, check_version
from image_spider_node.service import Service
from image_spider_node.validation import list_spiders, write_archive


class Deployment(Service):
    """A service that works on versions."""

    @property
    def eggs(self) -> Eggs:
        """The versions of this node."""
        eggs: Eggs = self.root.eggstorage.eggs
        return eggs


class AddVersion(Deployment):
    """addversion.json: checks the egg in a thread and a child, and answers that it is the current version, or why not.

    The daemon goes on with everything else meanwhile. What was current stays so until the new egg has passed.
    """

    def __init__(self, root: Any) -> None:
        super().__init__(root)
        self._checking: dict[str, str] = {}  # project -> version

    @param("project")
    @param("version")
    @param("egg", type=bytes)
    def render_POST(self, txrequest: object, project: str, version: str, egg: bytes) -> Deferred[dict[str, Any]]:
        """Begin; one deployment of a project at a time."""
        check_project(project)
        check_version(version)
        if other := self._checking.get(project):
            raise Refused(409, f"version '{other}' of '{project}' is being checked: try again when that is over")
        self._checking[project] = version
        return Deferred.fromCoroutine(self._take(project, version, egg)).addBoth(self._over, project)

    def _over(self, result: Any, project: str) -> Any:
        del self._checking[project]
        return result

    async def _take(self, project: str, version: str, content: bytes) -> dict[str, Any]:
        archive = await deferToThread(write_archive, content, incoming=self.eggs.incoming)
        try:
            spiders = await list_spiders(
                archive.path,
                project=project,
                environment=os.environ,
                deadline_seconds=self.root.egg_check_seconds,
                reactor=reactor,
            )
            egg = self.eggs.take(archive.path, project=project, version=version, sha256=archive.sha256, spiders=spiders)
        finally:
            archive.path.unlink(missing_ok=True)
        self.root.update_projects()
        with suppress(OSError, sqlite3.Error):  # the version is current, old files may go later
            self.eggs.sweep()
        return {"project": project, "version": version, "spiders": len(spiders), "sha256": egg.sha256}


class Activate(Deployment):
    """activate.json: makes a version that is here the current one again, without an upload: a way back."""

    @param("project")
    @param("version")
    def render_POST(self, txrequest: object, project: str, version: str) -> dict[str, Any]:
        """Answer with the version."""
        return _told(self.eggs.activate(project, version), current=True)


class ListEggs(Deployment):
    """eggs.json: every version with its SHA-256, spiders and times, in the order of activation."""

    @param("project", required=False)
    def render_GET(self, txrequest: object, project: str | None) -> dict[str, Any]:
        """Answer with the versions of a project, or of all."""
        versions = self.eggs.versions(project)
        if project and not versions:
            raise Refused(404, f"project '{project}' not found")
        current = {egg.project: egg.version for egg in versions}
        return {"eggs": [_told(egg, current=current[egg.project] == egg.version) for egg in versions]}


class ListSpiders(Deployment):
    """listspiders.json, answered from what the check found, without a child."""

    @param("project")
    @param("_version", dest="version", required=False, default=None)
    def render_GET(self, txrequest: object, project: str, version: str | None) -> dict[str, Any]:
        """Answer with the names."""
        return {"spiders": list(self.eggs.get(project, version).spiders)}


class ListProjects(Service, webservice.ListProjects):
    """listprojects.json, as Scrapyd's."""


class ListVersions(Service, webservice.ListVersions):
    """listversions.json, as Scrapyd's; the current version is the last one."""


class DeleteVersion(Service, webservice.DeleteVersion):
    """delversion.json, as Scrapyd's; running crawls keep their egg, and the one activated before becomes current."""


class DeleteProject(Service, webservice.DeleteProject):
    """delproject.json, as Scrapyd's, but its waiting jobs end: they would wait for the next project of that name.

    Running crawls keep their egg.
    """

    @param("project")
    def render_POST(self, txrequest: object, project: str) -> dict[str, Any]:
        """End what waits for the project, then delete it: who is told that it failed can try again."""
        self.root.eggstorage.eggs.get(project)
        queue = self.root.poller.queues.get(project)
        self.root.launcher.jobs.cancel_waiting(project, reason=f"{CANCELLED}: its project was deleted")
        self._delete_version(project)
        if queue:
            queue.clear()
        return {}


def _told(egg: EggVersion, *, current: bool) -> dict[str, Any]:
    return {
        "project": egg.project,
        "version": egg.version,
        "sha256": egg.sha256,
        "bytes": egg.bytes,
        "spiders": list(egg.spiders),
        "validated_at": egg.validated.isoformat(),
        "activated_at": egg.activated.isoformat(),
        "current": current,
    }
