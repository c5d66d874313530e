"""Real Scrapyd daemons, each in a folder of its own: stock ones, and nodes with our package as scrapyd.conf has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.project import LOOPBACK, ROOT
from tests.servers import free_port
from tests.waiting import wait_until

LOGIN = ("tester", "a-secret-of-the-tests")
PACKAGE = str(ROOT / "deploy/scrapyd")


class ScrapydNode:
    """A daemon that can be killed and started again on what it left. Crawls outlive it; `stop` ends them, too."""

    def __init__(self, folder: Path, *, stock: bool = False, prefix: tuple[str, ...] = (), **options: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.stock = stock
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("SCRAPY", "REDIS_", "DATA"))
        } | {"ALLOW_ADDRESSES": LOOPBACK, "SCRAPYD_HTTP_PORT": str(self.port)}
        if not stock:
            self.environment |= {"SCRAPYD_USERNAME": LOGIN[0], "SCRAPYD_PASSWORD": LOGIN[1], "PYTHONPATH": PACKAGE}
        self._configure({"poll_interval": 0.1, "max_proc": 4} | options)
        self._prefix = prefix
        self._daemon: subprocess.Popen[bytes] | None = None
        self._crawls: set[tuple[int, float]] = set()
        self._session = requests.Session()  # asks many times a second: a new one each time costs more than the node
        self._session.trust_env = False
        self._session.auth = None if stock else LOGIN

    def _configure(self, options: dict[str, object]) -> None:
        text = "[scrapyd]\n" if self.stock else (ROOT / "scrapyd.conf").read_text(encoding="utf-8")
        for name, value in options.items():
            text = re.sub(rf"(?m)^{name} *=.*\n", "", text)
            text = text.replace("[scrapyd]\n", f"[scrapyd]\n{name} = {value}\n", 1)
        (self.folder / "scrapyd.conf").write_text(text, encoding="utf-8")

    def start(self) -> None:
        self.launch()
        wait_until(self._answers, what=f"the node\n{self.log()}")

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the daemon and do not wait for it."""
        with (self.folder / "node.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "scrapyd", "--pidfile="],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self._daemon

    def _answers(self) -> bool:
        assert self._daemon
        assert self._daemon.poll() is None, self.log()
        with suppress(requests.ConnectionError):
            return self.get("daemonstatus.json").ok
        return False

    @property
    def pid(self) -> int:
        assert self._daemon
        return self._daemon.pid

    def log(self) -> str:
        return (self.folder / "node.log").read_text(encoding="utf-8") if (self.folder / "node.log").exists() else ""

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End the daemon alone, as an outage does; return its exit status."""
        assert self._daemon
        self._remember()
        self._daemon.send_signal(number)
        return self._daemon.wait()

    def stop(self) -> None:
        """End the daemon and every crawl of this folder."""
        self._session.close()
        if self._daemon and self._daemon.poll() is None:
            self.kill()
        for pid, started in self._crawls:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.create_time() == started:
                    process.kill()

    def _remember(self) -> None:
        """Note the processes below the daemon, which will be nobody's children."""
        assert self._daemon
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._daemon.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    self._crawls.add((process.pid, process.create_time()))

    def get(self, service: str, **parameters: object) -> requests.Response:
        return self._session.get(self.url + service, params=parameters, timeout=30)

    def post(self, service: str, *, egg: bytes | None = None, **fields: object) -> requests.Response:
        files = {"egg": ("project.egg", egg)} if egg is not None else None
        return self._session.post(self.url + service, data=fields, files=files, timeout=60)

    def deploy(self, egg: bytes, *, project: str = "small", version: str = "1") -> dict[str, Any]:
        answer = self.post("addversion.json", egg=egg, project=project, version=version)
        assert answer.ok, answer.text
        return answer.json()

    def schedule(self, *, project: str = "small", spider: str = "waits", **fields: object) -> str:
        answer = self.post("schedule.json", project=project, spider=spider, **fields)
        assert answer.ok, answer.text
        return str(answer.json()["jobid"])

    def jobs(self, project: str = "small") -> dict[str, dict[str, Any]]:
        """Return what jobs.json says of each job, with its state."""
        answer = self.get("jobs.json", project=project).json()
        return {
            job["job"]: job | {"state": state} for state in ("pending", "running", "finished") for job in answer[state]
        }

    def wait_for(self, job: str, state: str, *, project: str = "small") -> dict[str, Any]:
        """Return what is said of a job once it is in a state and, when it runs, has its process."""

        def reached() -> dict[str, Any] | None:
            found = self.jobs(project).get(job)
            return found if found and found["state"] == state and (state != "running" or found["pid"]) else None

        return wait_until(reached, what=f"{job} {state}\n{self.log()}")

    def runs(self) -> list[list[str]]:
        """Return job, pid and version of each crawl that began, as the spiders wrote them down."""
        file = self.folder / "runs"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []
