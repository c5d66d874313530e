"""Have on the disk what was written."""

from __future__ import annotations

import os
from pathlib import Path


def fsync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
