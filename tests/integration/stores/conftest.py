from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bucket_site import BucketSite
from tests.s3_server import KEYS, S3Server
from tests.servers import running


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys as the environment of a worker has them; without any, the machine's role would be asked for."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with running(S3Server()) as server:
        yield server


@pytest.fixture
def site() -> Iterator[BucketSite]:
    with running(BucketSite()) as site:
        yield site
