"""An image host that is closed for long holds nothing else up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import a_png
from tests.project import Project
from tests.system.fleet import FRONTIER, Fleet
from tests.troubled_site import Answer, TroubledSite
from tests.waiting import wait_until

PAGES = 30
CLOSED = Answer(status=429, body=b"", headers={"Retry-After": "1800"})
WORDS = ("-s", "CONCURRENT_REQUESTS=2", "-s", "DUPLICATES=keep")  # so a worker holds eight pages at the most


class Sites:
    """A site whose pages have an image of each of two hosts, of which one asks to be left alone at its first answer."""

    def __init__(self) -> None:
        shut = {f"/{number}.png": Answer(body=a_png(number)) for number in range(PAGES)}
        self.closed = TroubledSite(shut | {"/first.png": CLOSED}, address="127.0.0.2")
        well = {f"/{number}.png": Answer(body=a_png(PAGES + number)) for number in range(PAGES)}
        self.well = TroubledSite(well, address="127.0.0.3")
        pages = {f"/{number}": Answer(body=self._page(number)) for number in range(PAGES)}
        links = "".join(f'<a href="{path}">x</a>' for path in pages)
        first = Answer(body=f'<img src="{self.closed.url}/first.png">'.encode())
        self.site = TroubledSite(pages | {"/": first, "/links": Answer(body=links.encode())})

    def _page(self, number: int) -> bytes:
        return f'<img src="{self.well.url}/{number}.png"><img src="{self.closed.url}/{number}.png">'.encode()

    @property
    def came(self) -> int:
        """How many images the host was asked for that is well; none may be fetched twice."""
        return sum(path.endswith(".png") for _, path in tuple(self.well.log))


@pytest.fixture
def sites() -> Iterator[Sites]:
    sites = Sites()
    with sites.closed, sites.well, sites.site:
        yield sites


def test_a_worker_gives_pages_back_until_the_host_of_their_images_is_open_again(sites: Sites, tmp_path: Path):
    with Fleet(tmp_path) as fleet:
        worker = fleet.start_worker(*WORDS)
        fleet.push({"url": sites.site.url + "/", "crawl_id": "c"})
        wait_until(lambda: sites.closed.asked("/first.png"))
        fleet.push({"url": sites.site.url + "/links", "crawl_id": "c"})
        delayed = f"{FRONTIER}:delayed"
        wait_until(lambda: fleet.redis.ask("ZCARD", delayed) == f":{PAGES}", what="all pages but the first given back")
        assert fleet.rows("select count(*) from sightings") == [(PAGES,)]
        assert fleet.rows("select * from failures") == []
        fleet.stop(worker)
        assert fleet.fields("c")["outstanding"] == f"{PAGES + 1}"
    assert sites.came == PAGES


def test_a_local_run_reads_such_pages_again_and_so_does_one_that_goes_on_where_it_was_stopped(
    sites: Sites, tmp_path: Path
):
    project, words = Project(tmp_path), (*WORDS, "-s", "JOBDIR=job")
    process = project.start_crawl(f"{sites.site.url}/,{sites.site.url}/links", *words)
    wait_until(lambda: sites.came == PAGES, what="all images of the host that is well")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(sites.closed.asked("/first.png")) == 1
    sites.closed.answers["/first.png"] = (Answer(body=a_png(999)),)
    assert project.crawl(f"{sites.site.url}/,{sites.site.url}/links", *words).returncode == 0
    assert project.rows("select count(*) from sightings") == [(2 * PAGES + 1,)]
    assert project.rows("select * from failures") == []
    assert sites.came == PAGES, "none was fetched twice"
