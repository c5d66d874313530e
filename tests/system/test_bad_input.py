"""Wrong usage is one line that names it; what a site does wrong is a recorded failure."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.project import ROOT, Project
from tests.sites import Site
from tests.waiting import wait_until

URL = "http://127.0.0.1:8/"  # where nobody listens; a port that belongs to another protocol would be refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "url='' is not allowed: at least one start URL: -a url=https://example.com/"),
        (["-a", "url=mailto:me@example.com"], "url='mailto:me@example.com' is not allowed: an http or https URL"),
        (["-a", f"url={URL}", "-a", "max_images=-1"], "max_images='-1' is not allowed: a whole number from 1"),
        (["-a", f"url={URL}", "-a", "depth=3"], "depth='3' is not allowed: the arguments are url, file, max_images"),
        (["-a", "file=none.txt"], "file='none.txt' is not allowed: a readable text file with one URL per line"),
        (["-a", f"url={URL}", "-s", "HOST_CONCURRENCY=0"], "HOST_CONCURRENCY='0' is not allowed: greater than"),
        (["-a", f"url={URL}", "-s", "DATABASE_URL=oracle://x"], "DATABASE_URL='oracle://x' is not allowed: sqlite"),
        (
            ["-a", f"url={URL}", "-s", "CONCURRENT_REQUESTS=abc"],
            "CONCURRENT_REQUESTS='abc' is not allowed: a value",
        ),
        (["-a", f"url={URL}", "-s", "DOWNLOAD_TIMEOUT=abc"], "DOWNLOAD_TIMEOUT='abc' is not allowed: a value like 180"),
        (["-a", f"url={URL}", "-s", "LOG_LEVEL=LOUD"], "LOG_LEVEL='LOUD' is not allowed: DEBUG, INFO"),
        (["-a", f"url={URL}", "-s", "JOBDIR=/dev/null/x"], "JOBDIR='/dev/null/x' is not allowed: a folder that can be"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(project: Project, words: list[str], message: str):
    done = project.run("crawl", "images", "--nolog", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"scrapy crawl: {message}")
    assert done.stderr.count("\n") == 1


def test_an_unknown_spider_is_named_with_those_there_are(project: Project):
    done = project.run("crawl", "nosuch", "--nolog")
    assert done.returncode == 2
    assert done.stderr == "scrapy crawl: spider='nosuch' is not allowed: the spiders are images\n"


@pytest.mark.parametrize("words", [["list"], ["crawl", "images"], ["metrics"], ["task"]], ids=lambda words: words[0])
def test_a_wrong_environment_is_refused_at_start_in_one_line_and_by_exit_code_2(project: Project, words: list[str]):
    done = project.run(*words, LEASE_SECONDS="abc")
    assert done.returncode == 2  # by which systemd, supervisor and Kubernetes know not to try again
    assert done.stderr.startswith("image_spider: LEASE_SECONDS='abc' is not allowed: a valid integer")
    assert done.stderr.count("\n") == 1


def test_help_names_the_exit_codes(project: Project):
    assert "2 wrong usage" in " ".join(project.run("crawl", "--help").stdout.split())


def test_a_store_that_cannot_be_written_ends_the_crawl_before_it_begins(project: Project, site: DemoServer):
    (project.folder / "file").write_text("")
    done = project.crawl(site.url, "-s", "IMAGES_STORE=file/images")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot write to the image store file/images: Not a directory" in done.stderr
    assert "set IMAGES_STORE to another folder" in done.stderr
    assert site.requests == []


def test_a_catalog_that_cannot_be_opened_ends_the_crawl_before_it_begins(project: Project, site: DemoServer):
    (project.folder / "file").write_text("")
    done = project.crawl(site.url, "-s", "DATABASE_URL=sqlite:///file/catalog.sqlite3")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot create the folder of the catalog sqlite:///file/catalog.sqlite3" in done.stderr
    assert site.requests == []


@pytest.mark.parametrize("size", ["400k", "1200k"])
def test_a_full_disk_stops_the_crawl_with_the_reason_and_no_half_file(project: Project, site: DemoServer, size: str):
    # A small file system of the test's own, seen only by the crawl; the files are copied out before it vanishes.
    store = project.data / "images"
    store.mkdir(parents=True)
    script = (
        f"mount -t tmpfs -o size={size} none {store} && shift 0; "
        f'"$@"; code=$?; cp -r {store} {project.folder}/kept && exit $code'
    )
    unshare = shutil.which("unshare")
    assert unshare, "unshare of util-linux is missing"
    prefix = (unshare, "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    done = project.crawl(site.url, prefix=prefix)
    store.rmdir()
    (project.folder / "kept").rename(store)
    assert done.returncode == 1
    stops = re.findall(r"The crawl stops: cannot write to the (image store|ledger)", done.stderr)
    assert len(stops) == 1, "which of the two is full first, is chance"
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    project.assert_files_and_rows_agree()
    ((state, reason),) = project.rows("select state, reason from crawls")
    assert state == "failed"
    assert "No space left on device" in reason


def test_a_locked_catalog_stops_the_crawl_with_the_reason(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "max_depth=0")
    lock = sqlite3.connect(project.data / "catalog.sqlite3", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    done = project.crawl(site.url, "-s", "CATALOG_RETRY_SECONDS=0")
    lock.close()
    assert done.returncode == 1
    assert "database is locked" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/hostile/huge?bytes=50000000", "too_large"),
        ("/hostile/loop", "redirects"),
        ("/hostile/drip?seconds=60", "timeout"),
        ("/hostile/slow?seconds=60", "timeout"),
        ("/hostile/short", "data_loss"),
        ("/nowhere.html", "status"),
    ],
)
def test_a_bad_page_is_a_recorded_failure_and_the_crawl_goes_on(
    project: Project, site: DemoServer, path: str, cause: str
):
    words = ("-a", "max_depth=0", "-s", "DOWNLOAD_TIMEOUT=2", "-s", "RETRY_TIMES=1")
    done = project.crawl(f"{site.url}{path},{site.url}/", *words)
    assert done.returncode == 0
    assert project.rows("select page_url, cause from failures where image_url is null") == [(site.url + path, cause)]
    assert project.rows("select pages > 0, images > 0 from crawls") == [(1, 1)]


def test_a_page_with_nul_bytes_is_read(project: Project, site: DemoServer):
    project.crawl(f"{site.url}/hostile/nul", "-a", "max_depth=0")
    assert project.rows("select pages, failures from crawls") == [(1, 0)]
    assert project.files()


def test_a_crawl_whose_start_url_cannot_be_fetched_has_failed(project: Project):
    done = project.crawl(URL, "-s", "RETRY_TIMES=0")
    assert done.returncode == 1
    assert project.rows("select cause from failures") == [("connection",)]
    assert "no start URL could be fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.crawl(URL, "-a", "sitemap=true", "-s", "RETRY_TIMES=0").returncode == 1


@pytest.mark.parametrize("words", [("fetch", "--nolog"), ("shell", "-c", "response.status", "--nolog")])
def test_scrapys_own_commands_work_and_leave_nothing(project: Project, site: DemoServer, words: tuple[str, ...]):
    done = project.run(words[0], f"{site.url}/", *words[1:])
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert not project.data.exists()


def test_a_catalog_of_a_newer_version_is_not_touched(project: Project, site: DemoServer):
    project.crawl(site.url, "-a", "max_depth=0")
    project.rows("update alembic_version set version_num = '9999'")
    done = project.crawl(site.url)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the catalog's tables are at revision 9999, which this version does not know" in done.stderr


@pytest.mark.parametrize("fault", ["disk", "catalog"])
def test_what_has_not_begun_when_the_crawl_must_stop_is_not_fetched(project: Project, fault: str):
    tags = "".join(f'<img src="/{number}.png">' for number in range(500))
    with Site({"/": f"<html>{tags}</html>"} | {f"/{number}.png": a_png(number) for number in range(500)}) as site:
        process = project.start_crawl(site.url)
        wait_until(lambda: len(site.requests) > 50)
        if fault == "disk":
            (project.data / "images").rename(project.data / "moved away")
            (project.data / "images").write_text("in the way")
        else:
            with closing(sqlite3.connect(project.data / "catalog.sqlite3", timeout=30)) as connection:
                connection.execute("drop table sightings")
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.count("The crawl stops: ") == 1
    assert "Traceback" not in said
    assert len(site.requests) < 300


def test_decoding_processes_that_end_whenever_they_start_end_the_crawl(tmp_path: Path, site: DemoServer):
    # As if something killed them: the server that they are forked from ends each at once.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'forkserver' in ' '.join(sys.orig_argv):\n"
        "    os.register_at_fork(after_in_child=lambda: os._exit(9))\n"
    )
    project = Project(tmp_path, path=f"{tmp_path}:{ROOT}")
    done = project.crawl(site.url)
    assert done.returncode == 1
    assert done.stderr.count("The crawl stops: 3 times in a row the decoding processes ended") == 1
    assert "Traceback" not in done.stderr
    assert project.rows("select state, images from crawls") == [("failed", 0)]
    assert project.rows("select cause from failures where image_url is not null and cause != 'robots'") == []
    assert project.crawl(site.url, PYTHONPATH=str(ROOT)).returncode == 0


@pytest.mark.parametrize("words", [["catalog"], ["catalog", "fly"], ["report", "x"], ["report", "--limit", "0"]])
def test_a_command_with_wrong_arguments_exits_with_2(project: Project, words: list[str]):
    assert project.run(*words).returncode == 2


def test_a_report_without_a_catalog_says_what_to_do(project: Project):
    done = project.run("report")
    assert done.returncode == 1
    assert "there is no catalog" in done.stderr
    assert not project.data.exists()
