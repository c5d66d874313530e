from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes import ScrapydNode
from tests.servers import running


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydNode]:
    """One daemon for a file of tests: each test has a project of its own."""
    with running(ScrapydNode(tmp_path_factory.mktemp("node"))) as node:
        yield node
