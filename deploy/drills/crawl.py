"""The crawl of a drill: worker processes on a generated site, and what became of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Self

from deploy.drills.books import Books, Sighting
from deploy.drills.clusters import DrillCluster
from deploy.local_cluster.plan import ClusterError
from tests.images import a_png
from tests.project import FAST, Project
from tests.system.faults.site import GatedSite

START_SECONDS = 120.0
SETTINGS = {"DUPLICATES": "keep", "IMAGES_PROCESSES": "1", "HOST_CONCURRENCY": "16"}


class DrillCrawl:
    """Workers of one crawl; all files are below a folder."""

    def __init__(self, folder: Path, site: GatedSite, cluster: DrillCluster, *, workers: int) -> None:
        self._project = Project(folder)
        self._project.environment |= cluster.environment | SETTINGS
        self._site = site
        self._cluster = cluster
        self._number = workers
        self._workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Start the workers."""
        for number in range(self._number):
            words = ("crawl", "images", "-a", f"url={self._site.url}/", "-a", "crawl_id=drill", *FAST)
            files = (f"--logfile=worker{number}.log", "-O", f"worker{number}.jsonl")
            self._workers.append(self._project.start(*words, *files))
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers that are left."""
        for worker in self._workers:
            worker.kill()
            worker.communicate()

    def run_until(self, part: float) -> None:
        """Wait until such a part of the pages and images is served; raises ClusterError when that does not happen."""
        deadline = time.monotonic() + START_SECONDS
        while self._site.answered < self._site.share(part):
            if self.has_ended or time.monotonic() > deadline:
                raise ClusterError(
                    f"the crawl did not get to {part:.0%} of the site: {self._project.folder}/worker*.log"
                )
            time.sleep(0.01)

    @property
    def has_ended(self) -> bool:
        """Whether no worker runs any more."""
        return all(worker.poll() is not None for worker in self._workers)

    @property
    def progress(self) -> float:
        """The part of the pages and images that was served."""
        return self._site.answered / self._site.share(1)

    def books(self) -> Books:
        """Compare what must be in the catalog with what is; call it when the workers have ended."""
        return Books(
            shown={Sighting(page, url, _sha256(url)) for page, url in self._site.all_sightings},
            acknowledged=self._acknowledged(),
            recorded=self._recorded(),
            files={Path(name).stem for name, digest in self._project.files().items() if Path(name).stem == digest},
            failures=self._failures(),
            exit_codes=tuple(worker.returncode for worker in self._workers),
        )

    def _acknowledged(self) -> frozenset[Sighting]:
        """Return what the workers' feeds say: an item is written there when its COMMIT has been answered."""
        found = set()
        for file in sorted(self._project.folder.glob("worker*.jsonl")):
            items = [json.loads(line.rstrip(",")) for line in file.read_text().splitlines() if line.endswith("}")]
            found |= {Sighting(one["page_url"], one["candidate"]["url"], one["image"]["sha256"]) for one in items}
        return frozenset(found)

    def _recorded(self) -> tuple[Sighting, ...]:
        query = (
            "select page_url, image_url, images.sha256"
            " from sightings join images on images.sha256 = sightings.image_sha256"
        )
        with closing(self._cluster.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return tuple(Sighting(*row) for row in cursor.fetchall())

    def _failures(self) -> tuple[str, ...]:
        with closing(self._cluster.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("select coalesce(image_url, page_url), cause from failures")
            return tuple(f"{url} ({cause})" for url, cause in cursor.fetchall())


def _sha256(url: str) -> str:
    return hashlib.sha256(a_png(int(Path(url).stem))).hexdigest()
