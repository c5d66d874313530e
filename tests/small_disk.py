"""A disk of a few megabytes that a test can fill: a tmpfs that only one process and who joins it can see."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

CHUNK = bytes(1 << 20)
HOLD = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && exec cat'


class SmallDisk:
    """Mounted at a folder in a mount namespace of its own; needs no root. `enter` begins commands that see it."""

    def __init__(self, folder: Path, *, megabytes: int) -> None:
        self.folder = folder
        self._size = f"{megabytes}m"
        self._holder: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", HOLD, "sh", self._size, self.folder)
        self._holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"mounted\n", "a user may not mount here: user namespaces are off"

    def stop(self) -> None:
        assert self._holder
        self._holder.communicate()

    @property
    def enter(self) -> list[str]:
        assert self._holder
        return ["nsenter", "-t", str(self._holder.pid), "--user", "--mount", "--preserve-credentials"]

    def seen(self, path: Path) -> Path:
        """Return where a path on the disk is for this process."""
        assert self._holder
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def fill(self) -> None:
        """Take all the room that is left."""
        with suppress(OSError), self.seen(self.folder / "filling").open("ab", buffering=0) as file:
            while file.write(CHUNK):
                pass

    def free(self) -> None:
        self.seen(self.folder / "filling").unlink()
