"""Long sequences in parts, for calls and statements that take so many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def parts(values: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of `most` values, the last one of what is left."""
    return (values[first : first + most] for first in range(0, len(values), most))
