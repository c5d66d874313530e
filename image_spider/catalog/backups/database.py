"""What backups ask of a database; `sqlite` and `postgresql` answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from image_spider.catalog.backups.contents import Contents
from image_spider.catalog.backups.manifest import Kind, Manifest

Tell = Callable[[str], None]
"""Hears, every now and then, what is being done."""


class Database(Protocol):
    """The database of one catalog. Every method blocks, and raises BackupError."""

    kind: Kind

    def dump(self, target: Path, *, tell: Tell) -> tuple[Contents, str]:
        """Write the database as of one moment to a new file; return what it held then, and what wrote it."""

    def contents(self) -> Contents | None:
        """Return what the live database holds; None when there is none."""

    def require_idle(self) -> None:
        """Raise BackupError while anybody else uses the live database."""

    def restored(self, file: Path, manifest: Manifest, *, tell: Tell) -> AbstractContextManager[str]:
        """Give the URL of a scratch database made of a backup; what is left of it at the end is dropped."""

    def contents_of(self, scratch: str) -> Contents:
        """Return what the scratch database holds."""

    def swap(self, scratch: str, *, force: bool) -> str:
        """Put the scratch database in the place of the live one, in one step; return the name the old one has now.

        A kill at any moment leaves the old or the new one under the catalog's name. force ends the sessions of others
        where that can be done. The name is empty when there was no live database.
        """
