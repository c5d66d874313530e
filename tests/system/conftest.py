from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import DemoServer
from tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project's commands, run in a folder of the test's own."""
    return Project(tmp_path)


@pytest.fixture
def site() -> Iterator[DemoServer]:
    with DemoServer(port=0) as site:
        yield site
