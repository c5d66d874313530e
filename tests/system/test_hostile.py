"""Whole crawls of sites that mean harm: where they lead, what they cost, and how they end."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.hostile import measured
from tests.hostile.bombs import IMAGES, MEGABYTE, PAGES
from tests.hostile.hosts import forbidden_hosts
from tests.hostile.site import HostileSite, Visit
from tests.hostile.traps import TRAPS
from tests.hostile.victim import Victim
from tests.images import a_png
from tests.project import Project

HERE, THERE = "127.0.0.2", "127.0.0.3"  # they stand for the internet
QUICK = ("-s", f"ALLOW_ADDRESSES={HERE},{THERE}", "-s", "RETRY_TIMES=0", "-s", "HOST_CONCURRENCY=16")


def endless_robots(visit: Visit) -> None:
    visit.head(Content_Type="text/plain")
    visit.for_ever(b"Disallow: /no" * 1000 + b"\n")


def test_no_page_image_redirect_robots_txt_or_sitemap_leads_to_a_forbidden_address(project: Project):
    hosts = forbidden_hosts()
    with Victim() as victim:
        urls = [f"http://{host}:{victim.port}" for host in hosts]
        numbers = range(len(hosts))
        pages = "".join(f'<a href="{url}/page">p</a><a href="/to/{n}">r</a>' for n, url in enumerate(urls))
        images = "".join(f'<img src="{url}/image.png"><img src="/image/{n}">' for n, url in enumerate(urls))
        sitemaps = "".join(f"Sitemap: {url}/sitemap.xml\n" for url in urls)
        entries = "".join(f"<url><loc>{url.replace('&', '')}/entry</loc></url>" for url in urls)
        answers = {
            "": lambda visit: visit.whole(f'<meta charset="utf-8">{pages}{images}'),
            "to": lambda visit: visit.redirect(f"{urls[int(visit.path.split('/')[2])]}/redirected"),
            "image": lambda visit: visit.redirect(f"{urls[int(visit.path.split('/')[2])]}/redirected.png"),
            "robots.txt": lambda visit: visit.whole(f"Sitemap: /map.xml\n{sitemaps}", Content_Type="text/plain"),
            "map.xml": lambda visit: visit.whole(f"<urlset>{entries}</urlset>", Content_Type="text/xml"),
        }
        with HostileSite(answers, address=HERE) as site:
            done = project.crawl(f"{site.url}/", "-a", "follow=any", "-a", "sitemap=true", *QUICK)
        assert victim.connections == []
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (site.visits["to"], site.visits["image"]) == (len(numbers), len(numbers))
    blocked = dict(project.rows("select cause, count(*) from failures group by cause"))
    assert blocked["blocked_address"] > 5 * 100, "most forms are URLs, and each is refused on each way"
    assert not blocked.keys() - {"blocked_address", "status", "bad_url"}


def test_no_answer_costs_more_than_its_limits(project: Project, tmp_path: Path):
    answers = {name: answer for name, (answer, _) in (PAGES | IMAGES).items()}
    assert len(PAGES) + len(IMAGES) + len(TRAPS) >= 50
    links = [f'<a href="/{name}">p</a>' for name in PAGES] + [f'<img src="/{name}">' for name in IMAGES]
    rules = {"robots.txt": endless_robots, "good.png": lambda visit: visit.whole(a_png(1))}
    memory = tmp_path / "memory"
    prefix = (sys.executable, measured.__file__, str(memory))
    limits = ("-s", "DOWNLOAD_TIMEOUT=5", "-s", f"DOWNLOAD_MAXSIZE={4 * MEGABYTE}", "-s", "CONCURRENT_REQUESTS=32")
    with HostileSite(rules, address=THERE) as other, HostileSite(answers, address=HERE) as site:
        links.append(f'<img src="{other.url}/good.png">')
        site.answers[""] = lambda visit: visit.whole("".join(links))
        done = project.crawl(f"{site.url}/", "-a", "max_depth=1", *QUICK, *limits, prefix=prefix)
        sent = site.sent + other.sent
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    rows = project.rows("select coalesce(image_url, page_url), cause from failures")
    failed = {urlsplit(url).path.split("/")[1]: cause for url, cause in rows}
    ends = {name: failed.get(name, "") for name in answers}
    assert {name: ends[name] for name, (_, causes) in (PAGES | IMAGES).items() if ends[name] not in causes} == {}
    assert {name: number for name, number in sent.items() if number > 24 * MEGABYTE} == {}
    assert project.rows("select count(*) from images") == [(1,)], "behind a robots.txt without an end"
    assert int(memory.read_text()) < 600_000, "kilobytes"


def test_no_site_without_an_end_keeps_a_crawl_from_ending(project: Project):
    limits = (
        "-s",
        "ALLOW_ADDRESSES=127.0.1.0/24",
        "-s",
        "HOST_MAX_PAGES=60",
        "-s",
        "TRAP_MAX_DEPTH=50",
        "-s",
        "URL_MAX_CHARACTERS=1500",
    )
    with ExitStack() as stack:
        sites = {
            name: stack.enter_context(HostileSite({name: answer}, address=f"127.0.1.{number}"))
            for number, (name, (answer, _)) in enumerate(TRAPS.items(), start=1)
        }
        starts = ",".join(f"{site.url}/{name}/" for name, site in sites.items())
        done = project.crawl(starts, *QUICK, *limits)
    assert done.returncode == 0, done.stderr
    assert project.rows("select state, reason from crawls") == [("completed", "finished")]
    visits = {name: sites[name].visits[name] for name in TRAPS}
    assert {name: number for name, number in visits.items() if not 1 < number <= TRAPS[name][1]} == {}
    assert sum(sites["words"].sent.values()) < MEGABYTE
    causes = dict.fromkeys(TRAPS, "")
    for url, cause in project.rows("select page_url, cause from failures where cause != 'status' order by cause desc"):
        causes[urlsplit(url).path.split("/")[1]] = cause
    assert {name for name, cause in causes.items() if cause == "quota"} - {"relative"} == {"words", "counting"}
    assert {name for name, cause in causes.items() if not cause} == {name for name in TRAPS if "session" in name}
    assert causes["redirecting"] == "redirects"
