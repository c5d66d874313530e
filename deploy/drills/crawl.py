"""The crawl of a drill: a generated site, what its workers are told, and what became of it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import psycopg2

from deploy.drills.books import Books, Sighting
from deploy.drills.clusters import DrillCluster
from deploy.local_cluster.plan import ClusterError
from tests.images import a_png
from tests.system.faults.site import GatedSite

PROGRESS_SECONDS = 120.0
CRAWL = "default"  # of plain start URLs
SETTINGS = {
    "ALLOW_ADDRESSES": "127.0.0.0/8",
    "CONTACT_URL": "http://127.0.0.1/",
    "DUPLICATES": "keep",
    "HOST_CONCURRENCY": "16",
    "HOST_DELAY_SECONDS": "0",
    "IMAGES_PROCESSES": "1",
    "LEASE_SECONDS": "10",  # a dead worker's requests go to others after so long
    "RETRY_DELAY_SECONDS": "0.1",
}


class DrillCrawl:
    """Keeps images and what the workers were told in a folder below the cluster's, which its servers may write."""

    def __init__(self, cluster: DrillCluster, site: GatedSite) -> None:
        self.folder = cluster.folder / cluster.database
        self._cluster = cluster
        self._site = site
        self._feeds = 0
        self.folder.mkdir()
        owner = cluster.folder.stat()
        os.chown(self.folder, owner.st_uid, owner.st_gid)

    def settings(self) -> dict[str, str]:
        """Return the settings of a worker: each has a feed of its own."""
        self._feeds += 1
        feed = {str(self.folder / f"worker{self._feeds}.jsonl"): {"format": "jsonlines"}}
        given = {"IMAGES_STORE": str(self.folder / "images"), "FEEDS": json.dumps(feed)}
        return SETTINGS | self._cluster.environment | given

    def hold_at(self, part: float) -> None:
        """Serve no more than such a part of the site for now: on a fast machine, too, there is something left to do."""
        self._site.hold_at(self._site.share(part))

    def run_until(self, part: float) -> None:
        """Wait until such a part of the site is served; raises ClusterError when it takes PROGRESS_SECONDS."""
        deadline = time.monotonic() + PROGRESS_SECONDS
        while self._site.answered < self._site.share(part):
            if time.monotonic() > deadline:
                raise ClusterError(f"the crawl did not get to {part:.0%} of the site; it is at {self.progress:.0%}")
            time.sleep(0.01)

    def let_go(self) -> None:
        """Serve everything."""
        self._site.open()

    @property
    def progress(self) -> float:
        """The part of the pages and images that was served."""
        return self._site.answered / self._site.share(1)

    def has_ended(self) -> bool:
        """Whether the catalog has the end of the crawl; not while it cannot be asked."""
        with suppress(psycopg2.OperationalError):
            rows = self._rows("select state from crawls where id = %s and finished_at is not null", CRAWL)
            return [row[0] for row in rows] == ["completed"]
        return False

    def books(self, *, endings: Sequence[str]) -> Books:
        """Compare what must be in the catalog with what is; call it when the workers have ended."""
        query = (
            "select page_url, image_url, images.sha256"
            " from sightings join images on images.sha256 = sightings.image_sha256"
        )
        failures = self._rows("select coalesce(image_url, page_url), cause from failures")
        return Books(
            shown={Sighting(page, url, _sha256(url)) for page, url in self._site.all_sightings},
            acknowledged=self._acknowledged(),
            recorded=tuple(Sighting(*map(str, row)) for row in self._rows(query)),
            files={path.stem for path in (self.folder / "images").rglob("*.png") if _is_whole(path)},
            failures=tuple(f"{url} ({cause})" for url, cause in failures),
            endings=endings,
        )

    def _acknowledged(self) -> frozenset[Sighting]:
        """Return what the workers' feeds say: an item is written there when its COMMIT has been answered."""
        found = set()
        for file in sorted(self.folder.glob("worker*.jsonl")):
            lines = file.read_text(encoding="utf-8").splitlines()
            items = [json.loads(line) for line in lines if line.endswith("}")]  # a kill may cut the last one short
            found |= {
                Sighting(one["page_url"], one["candidate"]["url"], one["image"]["sha256"])
                for one in items
                if one.get("image")
            }
        return frozenset(found)

    def _rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        with closing(self._cluster.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())


def _sha256(url: str) -> str:
    return hashlib.sha256(a_png(int(Path(url).stem))).hexdigest()


def _is_whole(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
