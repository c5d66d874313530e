"""Deploy the project to Scrapyd nodes, and tell the truth about it.

The egg is built once and lists its spiders in a child process before any node sees it. Every node is asked first; the
egg goes to all of them in parallel; each must then hold the same bytes, run them, and list the same spiders. When one
fails, all are put back to what they ran before. Stock Scrapyd tells no hash: what could not be verified is said.

Nodes: all targets of scrapy.cfg, those named, or --node and --nodes. Passwords: scrapy.cfg ($NAMES stand for the
environment), SCRAPYD_USERNAME and SCRAPYD_PASSWORD, .netrc, or the URL.

Exit code 0: every node runs the version; 1: not so, and each node's line says what it runs; 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from deploy.deployment.deployment import Deployment
from deploy.deployment.egg import Egg, EggRefused, build_egg, default_version, read_egg
from deploy.deployment.node_client import NodeClient
from deploy.deployment.outcome import Report
from deploy.deployment.progress import Progress
from deploy.deployment.roll_back import RollBack
from deploy.deployment.survey import survey
from deploy.deployment.target import (
    PROJECT,
    DeploymentError,
    Target,
    configured_targets,
    listed_targets,
    named_target,
    unique,
)
from deploy.deployment.trial import Trial
from deploy.deployment.versions import stored_name

CHECKOUT = Path(__file__).resolve().parent.parent.parent
WELL, FAILED, WRONG = 0, 1, 2


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(words)
    progress = Progress()
    try:
        targets = _targets(options)
        egg = None if options.status or options.roll_back is not None else _egg(options, progress)
        with progress:
            report = asyncio.run(_run(options, targets, egg, progress))
    except EggRefused as error:
        progress.say(f"Error: {error}\nNothing was sent to any node.")
        return FAILED
    except DeploymentError as error:
        progress.say(f"Error: {error}")
        return WRONG
    except (KeyboardInterrupt, asyncio.CancelledError):
        progress.say("Interrupted: nodes may run the one version or the other; --status tells.")
        return FAILED
    progress.report(report, verb="Asked" if options.status else "Done")
    if options.json:
        print(json.dumps(report.as_json(), indent=1))
    return WELL if report.is_well else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="of scrapy.cfg; none: all of them")
    parser.add_argument("--node", action="append", default=[], metavar="URL", help="a node; may be repeated")
    parser.add_argument("--nodes", type=_file, metavar="FILE", help="a file of nodes, an URL per line")
    parser.add_argument("--project", default=PROJECT, help="its name on --node and --nodes (%(default)s)")
    parser.add_argument("--version", help="the version's name (the time and the commit)")
    parser.add_argument("--egg", type=_file, metavar="FILE", help="deploy this egg, build none")
    parser.add_argument("--save-egg", type=_file, metavar="FILE", help="keep the egg, for nodes that come later")
    parser.add_argument("--canary", type=_number, default=0, metavar="N", help="so many nodes first, then the others")
    parser.add_argument(
        "--canary-url", metavar="URL", help="and crawl a page of this on each canary, of which 1 then is"
    )
    parser.add_argument("--canary-seconds", type=_seconds, default=120.0, help="how long that may take (%(default)g)")
    parser.add_argument("--seconds", type=_seconds, default=120.0, help="for the upload to a node (%(default)g)")
    parser.add_argument("--partial", action="store_true", help="leave out nodes that are not ready; exit code 1 still")
    parser.add_argument("--json", action="store_true", help="print the report as JSON on standard output")
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--status", action="store_true", help="show what the nodes run; deploy nothing")
    actions.add_argument("--roll-back", nargs="?", const="", metavar="VERSION", help="to this one, or the one before")
    return parser


def _targets(options: argparse.Namespace) -> list[Target]:
    os.chdir(CHECKOUT)  # where scrapy.cfg is
    found = [named_target(url, project=options.project, environment=os.environ) for url in options.node]
    if options.nodes:
        found += listed_targets(options.nodes, project=options.project, environment=os.environ)
    if options.targets or not (options.node or options.nodes):
        found += configured_targets(options.targets, environment=os.environ)
    return unique(found)


def _egg(options: argparse.Namespace, progress: Progress) -> Egg:
    version = options.version or default_version(CHECKOUT, datetime.now(UTC))
    if (kept := stored_name(version)) != version:
        raise DeploymentError(f"Scrapyd would store version {version} as {kept}: name it so")
    progress.say(f"Reading {options.egg}" if options.egg else f"Building version {version}")
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        egg = read_egg(options.egg or build_egg(CHECKOUT, Path(folder)), version=version)
    if options.save_egg:
        _save(egg, options.save_egg)
    progress.say(f"{len(egg.content):,} bytes, SHA-256 {egg.sha256}, spiders: {', '.join(egg.spiders)}")
    return egg


def _save(egg: Egg, file: Path) -> None:
    try:
        file.write_bytes(egg.content)
    except OSError as error:
        raise DeploymentError(f"the egg cannot be saved as {file}: {error.strerror}") from error


async def _run(options: argparse.Namespace, targets: Sequence[Target], egg: Egg | None, progress: Progress) -> Report:
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # as asyncio does for Ctrl-C
    async with _clients(targets, options.seconds) as clients:
        if options.status:
            return await survey(clients, progress)
        if egg is None:
            return await RollBack(clients=clients, show=progress, version=options.roll_back or None).run()
        trial = Trial(url=options.canary_url, seconds=options.canary_seconds) if options.canary_url else None
        canaries = options.canary or (1 if trial else 0)
        return await Deployment(
            clients=clients, egg=egg, show=progress, canaries=canaries, trial=trial, partial=options.partial
        ).run()


@asynccontextmanager
async def _clients(targets: Sequence[Target], seconds: float) -> AsyncIterator[list[NodeClient]]:
    # A connection per request: stock Scrapyd closes idle ones at its own time, and a request that meets that is lost.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0)) as session:
        yield [NodeClient(target=target, session=session, upload_seconds=seconds) for target in targets]


def _file(text: str) -> Path:
    return Path(text).absolute()


def _number(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError("0 or more")
    return number


def _seconds(text: str) -> float:
    if not 0 < (seconds := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError("more than 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
