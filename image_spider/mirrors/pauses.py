"""How long a mirror that fails is left alone, and how long a file that cannot be copied."""

from __future__ import annotations

MIRROR_SECONDS, MIRROR_LONGEST_SECONDS = 1.0, 60.0  # so a mirror that is back after an hour catches up within a minute
FILE_SECONDS, FILE_LONGEST_SECONDS = 30.0, 600.0


def mirror_pause(failures: int) -> float:
    """Return for how many seconds a mirror is left alone after so many failures in a row: twice as long each time."""
    return _doubling(MIRROR_SECONDS, MIRROR_LONGEST_SECONDS, failures)


def file_pause(attempts: int) -> float:
    """Return for how many seconds a file is left alone after so many attempts.

    A mirror that refuses one file alone is given others meanwhile; of a mirror that is away few files are tried, for it
    is left alone itself.
    """
    return _doubling(FILE_SECONDS, FILE_LONGEST_SECONDS, attempts)


def _doubling(first: float, longest: float, times: int) -> float:
    return min(longest, first * 2.0 ** min(max(times, 1) - 1, 30))
