"""Files that are there and cannot be read, as on a disk or a network share with trouble."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def unreadable(*files: Path) -> Iterator[None]:
    """Let every attempt to read these files fail with EIO; permissions would not bind root."""
    read_bytes = Path.read_bytes

    def read(path: Path) -> bytes:
        if path in files:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_bytes(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", read)
        yield
