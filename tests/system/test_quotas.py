"""What a crawl may have of pages and bytes, alone and as a fleet."""

from __future__ import annotations

import itertools
import random

from tests.hostile.site import HostileSite, Visit
from tests.project import Project
from tests.system.fleet import Fleet
from tests.waiting import wait_until

KILOBYTES = 20
FAST = ("-s", "ALLOW_ADDRESSES=127.0.0.0/8", "-s", "HOST_CONCURRENCY=8")


def endless() -> HostileSite:
    """A site whose every page links to ten new ones and has 20 kB that do not pack."""
    numbers = itertools.count(1)
    noise = random.Random(6).randbytes(KILOBYTES * 500).hex()

    def answer(visit: Visit) -> None:
        visit.whole("".join(f'<a href="/p/{next(numbers)}">p</a>' for _ in range(10)) + f"<!-- {noise} -->")

    return HostileSite({"p": answer}, address="127.0.0.2")


def test_a_crawl_asks_for_its_pages_and_no_more_and_goes_on_counting_when_it_is_resumed(project: Project):
    with endless() as site:
        words = ("-a", "max_pages=30", "-s", "JOBDIR=job", "-a", "crawl_id=c", *FAST)
        done = project.crawl(f"{site.url}/p/0", *words)
        assert (done.returncode, site.visits["p"]) == (0, 30)
        assert project.rows("select state, reason, pages from crawls") == [("completed", "finished", 30)]
        ((cause, detail),) = project.rows("select cause, detail from failures")
        assert (cause, detail) == ("quota", "the crawl has asked for 30 pages, its max_pages")
        project.crawl(f"{site.url}/p/again", *words)
        assert site.visits["p"] == 30, "it has had its pages"


def test_a_crawl_ends_when_it_has_had_its_bytes(project: Project):
    with endless() as site:
        project.crawl(f"{site.url}/p/0", "-a", "max_bytes=1000000", *FAST)
        assert project.rows("select state, reason from crawls") == [("completed", "max_bytes")]
        assert 1_000_000 <= site.sent["p"] < 1_000_000 + 20 * 1000 * KILOBYTES
        assert set(project.rows("select cause from failures")) <= {("quota",)}


def test_a_fleet_gives_a_crawl_its_pages_and_bytes_and_no_more(project: Project):
    with endless() as site, Fleet(project.folder) as fleet:
        for _ in range(2):
            fleet.start_worker(*FAST)
        fleet.push({"url": f"{site.url}/p/0", "crawl_id": "pages", "max_pages": 40})
        wait_until(lambda: fleet.recorded("pages"))
        assert site.visits["p"] == 40
        assert fleet.recorded("pages") == ("completed", "finished")
        details = {detail for (detail,) in fleet.rows("select detail from failures where cause = 'quota'")}
        assert len(details) == 1
        assert "its max_pages" in details.pop()
        fleet.push({"url": f"{site.url}/p/0", "crawl_id": "bytes", "max_bytes": 400_000})  # nothing else ends it
        wait_until(lambda: fleet.recorded("bytes"))
        assert fleet.recorded("bytes") == ("completed", "max_bytes")
