"""Whether a process of this machine still runs."""

from __future__ import annotations

import os


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this id, of whatever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
