from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.deployment.deployment import Deployment
from deploy.deployment.egg import Egg, read_egg
from deploy.deployment.node_client import NodeClient
from deploy.deployment.outcome import Outcome, Report
from deploy.deployment.roll_back import RollBack
from deploy.deployment.target import Target
from tests.nodes import LOGIN, ScrapydNode
from tests.servers import running
from tests.tiny_egg import tiny_egg


@dataclass
class Recorder:
    """Is shown a deployment, and may act when a node has come to a state."""

    outcomes: list[Outcome] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    act: Callable[[Outcome], None] = lambda outcome: None

    def outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.act(outcome)

    def sent(self, target: Target, part: float) -> None:
        self.parts.append(part)


@pytest.fixture
def target_at() -> Callable[..., Target]:
    """Make targets, all with a project of this test's own."""
    project = f"project{uuid.uuid4().hex}"

    def make(url: str, *, username: str = LOGIN[0], password: str = LOGIN[1]) -> Target:
        return Target(name=url, url=url, project=project, username=username, password=password)

    return make


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydNode]:
    """A stock Scrapyd for the tests of a module: each has a project of its own."""
    with running(ScrapydNode(tmp_path_factory.mktemp("stock"), stock=True)) as node:
        yield node


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydNode]:
    """A node with our package."""
    with running(ScrapydNode(tmp_path_factory.mktemp("ours"))) as node:
        yield node


@pytest.fixture(scope="session")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Egg:
    return read_egg(tiny_egg(tmp_path_factory.mktemp("egg") / "tiny.egg"), version="1")


def with_clients(targets: list[Target], work: Callable[[list[NodeClient]], Any], *, seconds: float = 60.0) -> Any:
    async def run() -> Any:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            return await work(
                [NodeClient(target=target, session=session, upload_seconds=seconds) for target in targets]
            )

    return asyncio.run(run())


def deploy(egg: Egg, *targets: Target, seconds: float = 60.0, show: Recorder | None = None, **options: Any) -> Report:
    show = show or Recorder()
    return with_clients(
        list(targets),
        lambda clients: Deployment(clients=clients, egg=egg, show=show, **options).run(),
        seconds=seconds,
    )


def roll_back(*targets: Target, version: str | None = None) -> Report:
    return with_clients(
        list(targets), lambda clients: RollBack(clients=clients, show=Recorder(), version=version).run()
    )


def runs(target: Target) -> str | None:
    """What the node itself says that it runs."""
    versions = with_clients([target], lambda clients: clients[0].versions())
    return versions.current


def states(report: Report) -> list[str]:
    return [outcome.state for outcome in report.outcomes]


def eggs_of(node: ScrapydNode, target: Target) -> list[str]:
    folder: Path = node.folder / "eggs" / target.project
    return sorted(path.stem for path in folder.glob("*.egg"))
