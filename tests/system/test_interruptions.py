"""kill -9, Ctrl-C, and the same command again."""

from __future__ import annotations

import signal
import subprocess

import pytest

from demo.server import DemoServer
from tests.project import Project, wait_until

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


@pytest.mark.parametrize("job", [(), ("-s", "JOBDIR=job")], ids=["memory", "JOBDIR"])
@pytest.mark.parametrize("after", [1, 20, 50])
def test_killed_and_run_again_a_crawl_ends_as_if_undisturbed(
    project: Project, site: DemoServer, after: int, job: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
):
    undisturbed = Project(tmp_path_factory.mktemp("undisturbed"))
    assert undisturbed.crawl(site.url).returncode == 0

    process = project.start_crawl(site.url, *SLOW, *job)
    wait_until(lambda: stored(project) >= after)
    end(process, signal.SIGKILL)
    project.assert_files_and_rows_agree()
    assert stored(project) < stored(undisturbed)

    assert project.crawl(site.url, *job).returncode == 0
    project.assert_files_and_rows_agree()
    assert state(project) == state(undisturbed)


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(
    project: Project, site: DemoServer, tmp_path_factory: pytest.TempPathFactory
):
    undisturbed = Project(tmp_path_factory.mktemp("undisturbed"))
    undisturbed.crawl(site.url)

    process = project.start_crawl(site.url, *SLOW, "-s", "JOBDIR=job")
    wait_until(lambda: stored(project) >= 20)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130
    assert "The same command goes on where this run stopped" in said
    assert project.rows("select state from crawls") == [("stopped",)]
    project.assert_files_and_rows_agree()

    pages_before = [path for _, path in site.requests].count("/about.html")
    assert project.crawl(site.url, "-s", "JOBDIR=job").returncode == 0
    assert state(project) == state(undisturbed)
    assert [path for _, path in site.requests].count("/about.html") - pages_before <= 1
    assert project.rows("select state from crawls") == [("completed",)]


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
