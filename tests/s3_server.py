"""An S3 service for tests: moto's server as a process of its own, from the folder where the Makefile puts it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

import obstore
from obstore.store import S3Store

from tests.servers import free_port
from tests.waiting import wait_until

MOTO = Path(sys.prefix) / "moto"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "a secret", "AWS_REGION": "us-east-1"}


class S3Server:
    """A service in memory on a free port. Any keys will do; after so many requests, those alone that have rights."""

    def __init__(self, *, requests_without_rights: int | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._rights = (
            {} if requests_without_rights is None else {"INITIAL_NO_AUTH_ACTION_COUNT": requests_without_rights}
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not (MOTO / "moto").is_dir():
            raise RuntimeError(f"no moto in {MOTO}: make .venv/test.installed puts it there")
        environment = os.environ | KEYS | {name: str(value) for name, value in self._rights.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env=environment | {"PYTHONPATH": str(MOTO)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, what="moto answers")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def make_bucket(self) -> str:
        """Make a bucket of the test's own; return its name."""
        name = f"test{uuid.uuid4().hex}"
        urlopen(Request(f"{self.url}/{name}", method="PUT")).close()
        return name

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return every object of a bucket, as another client sees it."""
        keys = {"access_key_id": "another", "secret_access_key": "client", "region": "us-east-1"}
        client = S3Store(bucket, endpoint=self.url, client_options={"allow_http": True}, config=keys)
        found = [meta["path"] for page in obstore.list(client) for meta in page]
        return {path: bytes(obstore.get(client, path).bytes()) for path in found}

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, "moto has ended"
        try:
            urlopen(f"{self.url}/moto-api/").close()
        except OSError:
            return False
        return True
