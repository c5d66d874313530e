"""What a person sees on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from demo.server import DemoServer
from tests.project import FAST, Project


def on_a_terminal(project: Project, words: list[str], answers: str = "") -> tuple[int, str]:
    """Run `scrapy` on a terminal of its own, type the answers, and return the exit code and what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapy", *words],
        cwd=project.folder,
        env=project.environment | {"TERM": "xterm", "COLUMNS": "120"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
    os.close(ours)
    return process.wait(timeout=60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_a_live_line_shows_pages_images_rate_failures_and_queue(project: Project, site: DemoServer):
    slow = ["-s", "HOST_DELAY_SECONDS=0.01", "-s", "HOST_CONCURRENCY=1"]
    code, shown = on_a_terminal(project, ["crawl", "images", "-a", f"url={site.url}", *FAST, *slow])
    assert code == 0
    lines = re.findall(r"pages \d+ · images \d+ \([\d.]+/s\) · failures \d+ · queue \d+", shown)
    assert len(set(lines)) > 3
    assert "images stored" in shown


def test_on_a_terminal_only_warnings_stand_above_the_line_unless_more_is_asked_for(project: Project, site: DemoServer):
    words = ["crawl", "images", "-a", f"url={site.url}", "-a", "max_depth=0", *FAST]
    assert "INFO" not in on_a_terminal(project, words)[1]
    assert "INFO: Dumping Scrapy stats" in on_a_terminal(project, [*words, "-L", "INFO"])[1]


def test_without_a_url_it_asks_and_prints_the_command_that_would_do_the_same(project: Project, site: DemoServer):
    answers = f"nonsense://\n{site.url}\n3\n1\n\n"
    code, shown = on_a_terminal(project, ["crawl", "images", "-s", "HOST_DELAY_SECONDS=0"], answers)
    assert code == 0
    assert "is not allowed: an http or https URL" in shown
    command = f"scrapy crawl images -a url={site.url}/ -a max_images=3 -a max_depth=1"
    assert command in " ".join(shown.split())
    assert project.rows("select images, max_depth from crawls") == [(3, 1)]
