"""Runs Scrapy from an egg: `scrapy list` to check it, or a crawl with a small process that waits for its end.

The launcher and the check start it as `python -P -m image_spider_node.runner COMMAND ...`; -P keeps the folder in which
the node runs off sys.path. It is told by the environment (the names below), which it takes out before Scrapy runs.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
import warnings
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from image_spider_node.database import Database
from image_spider_node.jobs import Jobs

EGG = "NODE_EGG"
DEADLINE = "NODE_DEADLINE_SECONDS"  # of a check; a crawl has none
DATABASE = "NODE_DATABASE"
JOB = "NODE_JOB"
TOKEN = "NODE_TOKEN"
NOT_CLAIMED = 75  # EX_TEMPFAIL of sysexits.h: the job belongs to another watcher, or could not be written down
BAD_EGG = 2
RECORD_SECONDS = 300.0  # how long a watcher tries to write the end down while the disk is full
SIGNALLED = 128
REASON_BYTES = 4000  # less than a pipe holds, so that writing it never waits
GO = b"!"
COMPONENTS = (
    "ADDONS",
    "EXTENSIONS",
    "ITEM_PIPELINES",
    "DOWNLOADER_MIDDLEWARES",
    "SPIDER_MIDDLEWARES",
    "SCHEDULER",
    "DUPEFILTER_CLASS",
    "STATS_CLASS",
)


def main() -> None:
    """Run the command of the arguments."""
    with suppress(PermissionError):  # it leads a group already
        os.setsid()  # Ctrl-C in the terminal of the node is not for its crawls
    egg = Path(os.environ.pop(EGG))
    if deadline := os.environ.pop(DEADLINE, None):
        signal.alarm(int(deadline))  # the default action ends the process, should the daemon be gone by then
    if JOB not in os.environ:
        _scrapy(egg, check=True)
    project, job, token = os.environ["SCRAPY_PROJECT"], os.environ.pop(JOB), os.environ.pop(TOKEN)
    jobs = Jobs(Database(Path(os.environ.pop(DATABASE))))
    go, reason = os.pipe(), os.pipe()
    crawl = os.fork()  # before anything large is imported: the watcher stays small
    if not crawl:
        os.close(go[1])
        os.close(reason[0])
        if os.read(go[0], 1) != GO:  # refused, or the watcher is dead: nobody would know of this crawl
            os._exit(NOT_CLAIMED)
        os.close(go[0])
        _tell_reason(reason[1])
        _scrapy(egg)
    os.close(go[0])
    os.close(reason[1])
    sys.exit(_watch(jobs, (project, job, token), crawl, go[1], reason[0]))


def _watch(jobs: Jobs, claim: tuple[str, str, str], crawl: int, go: int, reason: int) -> int:
    """Claim the job, let the crawl begin, wait for it, write its end down; return the exit status to pass on.

    Signals that end a service reach all its processes (systemd, containers): the crawl answers them itself, and a
    watcher that passed them on would tell it twice, which Scrapy takes for an order to drop everything.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        claimed = jobs.claim(*claim, watcher=(os.getpid(), started(os.getpid())), crawl=(crawl, started(crawl)))
    except sqlite3.Error as error:
        sys.stderr.write(f"The crawl was not begun, it will be tried again: the node's database says: {error}\n")
        claimed = False
    if claimed:
        os.write(go, GO)
    os.close(go)
    status = os.waitstatus_to_exitcode(os.waitpid(crawl, 0)[1])
    if not claimed:
        return NOT_CLAIMED
    os.set_blocking(reason, False)
    words = ""
    with suppress(BlockingIOError):  # a process that the crawl left behind holds the other end
        words = os.read(reason, REASON_BYTES).decode(errors="replace").partition("\n")[0]
    _record(jobs, claim, status, words or None)
    return status if status >= 0 else SIGNALLED - status


def _record(jobs: Jobs, claim: tuple[str, str, str], status: int, reason: str | None) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            jobs.end(*claim[:2], exit_status=status, finish_reason=reason)
        except sqlite3.OperationalError as error:  # full, or locked
            if time.monotonic() > deadline:
                sys.stderr.write(f"The end of the crawl could not be written down: {error}\n")
                return
            time.sleep(1)
        else:
            return


def started(pid: int) -> float:
    """Return when a process started, in seconds since 1970."""
    import psutil

    return float(psutil.Process(pid).create_time())


def _tell_reason(pipe: int) -> None:
    """Send Scrapy's finish reason through the pipe when the spider is closed."""
    from pydispatch import dispatcher
    from scrapy import signals

    def told(reason: str) -> None:
        os.write(pipe, f"{reason}\n".encode()[:REASON_BYTES])

    dispatcher.connect(told, signal=signals.spider_closed, weak=False)  # from any crawler of this process


def _scrapy(egg: Path, *, check: bool = False) -> NoReturn:
    refuse_shadows(egg)
    os.environ.pop("SCRAPY_SETTINGS_MODULE", None)  # the daemon's own would win over the egg's
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources says that it will go
        from scrapyd.runner import activate_egg
    activate_egg(str(egg))
    if check and (faults := faults_of_components()):
        sys.stderr.write("Not taken: " + "\n".join(faults) + "\n")
        sys.exit(BAD_EGG)
    from scrapy.cmdline import execute

    execute()
    sys.exit(0)


def faults_of_components() -> list[str]:
    """Return what is wrong with the classes that the egg's settings name; `scrapy list` imports the spiders alone."""
    from scrapy.utils.misc import load_object
    from scrapy.utils.project import get_project_settings

    settings = get_project_settings()
    faults = []
    for setting in COMPONENTS:
        named = settings[setting]
        paths = [path for path, place in named.items() if place is not None] if hasattr(named, "items") else [named]
        for path in paths:
            try:
                load_object(path)  # gives a class back as it is
            except (ImportError, NameError, ValueError, SyntaxError) as error:
                faults.append(f"{setting} names {path}, which cannot be imported: {type(error).__name__}: {error}")
    return faults


def refuse_shadows(egg: Path) -> None:
    """Exit with words when a package of the egg would come from elsewhere: an activated egg is last on sys.path."""
    with zipfile.ZipFile(egg) as archive, suppress(KeyError):
        for name in archive.read("EGG-INFO/top_level.txt").decode().split():
            spec = find_spec(name)
            if spec and spec.origin:
                sys.stderr.write(
                    f"Not run: '{name}' of the egg is shadowed by {spec.origin}. Uninstall it from the node's Python, "
                    "or take its folder off PYTHONPATH: what is installed wins over eggs.\n"
                )
                sys.exit(BAD_EGG)


if __name__ == "__main__":
    main()
