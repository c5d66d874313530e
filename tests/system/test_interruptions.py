"""kill -9, Ctrl-C, and the same command again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from demo.server import DemoServer
from tests.images import a_png
from tests.project import Project
from tests.sites import Site
from tests.waiting import wait_until

SLOW = ("-s", "HOST_DELAY_SECONDS=0.02", "-s", "HOST_CONCURRENCY=1")
TABLES = {
    "images": "sha256, path, format, width, height, bytes, integrity",
    "sightings": "id, image_sha256, image_url, page_url, alt",
    "failures": "id, cause",
}


def state(project: Project) -> dict[str, object]:
    tables = {table: sorted(project.rows(f"select {columns} from {table}")) for table, columns in TABLES.items()}
    return {**tables, "files": project.files()}


def stored(project: Project) -> int:
    exists = (project.data / "catalog.sqlite3").exists()
    created = exists and project.rows("select 1 from sqlite_master where name = 'images'")
    return int(project.rows("select count(*) from images")[0][0]) if created else 0


def end(process: subprocess.Popen[str], signal_number: int) -> str:
    process.send_signal(signal_number)
    return process.communicate(timeout=60)[1]


def end_after_20_images(project: Project, site: DemoServer) -> str:
    """Crawl with JOBDIR, send Ctrl-C in the middle, and return what was said."""
    process = project.start_crawl(site.url, *SLOW, "-s", "JOBDIR=job")
    wait_until(lambda: stored(project) >= 20)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    return said


@pytest.fixture
def undisturbed(site: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A crawl of the site that nobody disturbed."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    assert project.crawl(site.url).returncode == 0
    return project


@pytest.mark.parametrize("job", [(), ("-s", "JOBDIR=job")], ids=["memory", "JOBDIR"])
@pytest.mark.parametrize("after", [1, 20, 50])
def test_killed_and_run_again_a_crawl_ends_as_if_undisturbed(
    project: Project, site: DemoServer, undisturbed: Project, after: int, job: tuple[str, ...]
):
    process = project.start_crawl(site.url, *SLOW, *job)
    wait_until(lambda: stored(project) >= after)
    end(process, signal.SIGKILL)
    project.assert_files_and_rows_agree()
    assert stored(project) < stored(undisturbed)

    assert project.crawl(site.url, *job).returncode == 0
    project.assert_files_and_rows_agree()
    assert state(project) == state(undisturbed)


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(project: Project, site: DemoServer, undisturbed: Project):
    said = end_after_20_images(project, site)
    assert "The same command goes on where this run stopped" in said
    assert project.rows("select state from crawls") == [("stopped",)]
    project.assert_files_and_rows_agree()

    pages_before = [path for _, path in site.requests].count("/about.html")
    assert project.crawl(site.url, "-s", "JOBDIR=job").returncode == 0
    assert state(project) == state(undisturbed)
    assert [path for _, path in site.requests].count("/about.html") - pages_before <= 1
    assert project.rows("select state from crawls") == [("completed",)]


def test_a_run_that_cannot_begin_leaves_the_one_that_is_to_go_on_as_it_was(
    project: Project, site: DemoServer, undisturbed: Project
):
    end_after_20_images(project, site)
    asked = len(site.requests)
    nowhere = "sqlite:////proc/nowhere/catalog.sqlite3"
    done = project.crawl(site.url, "-s", "JOBDIR=job", DATABASE_URL=nowhere)
    assert done.returncode != 0
    assert "catalog" in done.stderr
    assert len(site.requests) == asked
    again = project.crawl(site.url, "-s", "JOBDIR=job")
    assert again.returncode == 0
    assert "starts over" not in again.stderr
    assert state(project) == state(undisturbed)


def test_ctrl_c_does_not_wait_for_a_whole_page_of_images_and_a_resumed_crawl_takes_the_rest(project: Project):
    tags = "".join(f'<img src="/{number}.png">' for number in range(300))
    with Site({"/": f"<html>{tags}</html>"} | {f"/{number}.png": a_png(number) for number in range(300)}) as site:
        words = ("-s", "JOBDIR=job", "-s", "HOST_DELAY_SECONDS=0.05")
        process = project.start_crawl(site.url, *words)
        wait_until(lambda: stored(project) >= 20)
        end(process, signal.SIGINT)
        assert process.returncode == 130
        assert len(site.requests) < 200
        assert project.crawl(site.url, "-s", "JOBDIR=job").returncode == 0
        assert stored(project) == 300
        assert len(site.requests) < 330


def test_ctrl_c_does_not_wait_for_the_turns_of_pages_and_a_resumed_crawl_fetches_them(project: Project):
    links = "".join(f'<a href="/{number}">x</a>' for number in range(8))
    with Site({"/": f"<html>{links}</html>"} | {f"/{number}": "<html></html>" for number in range(8)}) as site:
        words = ("-s", "JOBDIR=job", "-s", "ROBOTSTXT_OBEY=False", "-a", "max_depth=1")
        process = project.start_crawl(site.url, *words, "-s", "HOST_DELAY_SECONDS=5")
        wait_until(lambda: len(site.requests) == 2)  # the others wait for their turns
        end(process, signal.SIGINT)
        assert process.returncode == 130
        assert len(site.requests) == 2
        assert project.crawl(site.url, *words).returncode == 0
        assert sorted(site.requests) == ["/", *(f"/{number}" for number in range(8))]


def test_ctrl_c_twice_ends_at_once(project: Project, site: DemoServer):
    process = project.start_crawl(f"{site.url}/hostile/slow?seconds=60,{site.url}/")
    wait_until(lambda: stored(project) >= 1)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    wait_until(lambda: "shutting down gracefully" in process.stderr.readline())
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert "Traceback" not in said
    project.assert_files_and_rows_agree()


def test_a_job_directory_in_use_is_refused_and_one_with_other_files_keeps_them(project: Project, site: DemoServer):
    words = ("-s", "JOBDIR=data", "-s", "HOST_DELAY_SECONDS=0.5", "-s", "HOST_CONCURRENCY=1")
    project.data.mkdir()
    (project.data / "precious.txt").write_text("mine")
    process = project.start_crawl(site.url, *words)
    wait_until(lambda: stored(project) >= 1)
    second = project.crawl(site.url, *words)
    assert second.returncode == 2
    assert "JOBDIR='data' is not allowed: a folder that no other crawl is using" in second.stderr
    end(process, signal.SIGKILL)
    before = stored(project)
    again = project.crawl(site.url, "-s", "JOBDIR=data")
    assert "the crawl starts over" in again.stderr
    assert stored(project) > before
    assert (project.data / "precious.txt").read_text() == "mine"


def test_a_resumed_crawl_whose_catalog_is_gone_begins_a_new_one(project: Project, site: DemoServer):
    process = project.start_crawl(site.url, *SLOW, "-s", "JOBDIR=job")
    wait_until(lambda: stored(project) >= 5)
    end(process, signal.SIGINT)
    shutil.rmtree(project.data)
    done = project.crawl(site.url, "-s", "JOBDIR=job")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_ctrl_c_in_make_crawl_ends_the_crawl_in_order(project: Project):
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.crawl", *SLOW],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: stored(project) >= 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "Stopped in order" in said
    assert "Traceback" not in said
    assert project.rows("select state from crawls") == [("stopped",)]
    assert (project.data / "report.html").exists()


def test_ctrl_c_without_jobdir_says_how_to_resume(project: Project, site: DemoServer):
    process = project.start_crawl(site.url, *SLOW)
    wait_until(lambda: stored(project) >= 1)
    said = end(process, signal.SIGINT)
    assert "add -s JOBDIR=data/jobs/NAME" in " ".join(said.split())


def test_max_images_counts_what_an_earlier_run_stored(project: Project, site: DemoServer):
    limited = ("-a", "max_images=40", "-s", "JOBDIR=job")
    process = project.start_crawl(site.url, *SLOW, *limited)
    wait_until(lambda: stored(project) >= 20)
    end(process, signal.SIGINT)
    assert project.crawl(site.url, *limited).returncode == 0
    assert project.rows("select images, state from crawls") == [(40, "completed")]
