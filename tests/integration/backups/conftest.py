from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from image_spider.catalog.backups.backups import Backups
from tests.integration.backups.patroni_api import Api
from tests.project import Project


@pytest.fixture
def backups(catalog_url: str, tmp_path: Path) -> Backups:
    return Backups(catalog_url, folder=tmp_path / "backups")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def patroni() -> Iterator[str]:
    Api.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://keeper:p%40ss:word@127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
