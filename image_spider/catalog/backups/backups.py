"""The backups of one catalog: make, list, verify, restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from image_spider.catalog.backups.contents import Contents
from image_spider.catalog.backups.database import Database, Tell
from image_spider.catalog.backups.folder import Backup, BackupFolder, file_sha256
from image_spider.catalog.backups.manifest import FILES, Manifest
from image_spider.catalog.backups.postgresql import PostgresqlDatabase
from image_spider.catalog.backups.sqlite import SqliteDatabase
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.engine import public_url
from image_spider.exceptions import BackupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A backup that is the catalog now, and the name under which the one before is kept; empty if there was none."""

    manifest: Manifest
    kept: str


class Backups:
    """Backups of the catalog of a URL, in a folder. Every method blocks, and raises BackupError."""

    def __init__(
        self, url: str, *, folder: Path, programs: Path | None = None, patroni_urls: Sequence[str] = ()
    ) -> None:
        self._catalog = public_url(url)
        self._patroni_urls = patroni_urls
        self._folder = BackupFolder(folder)
        self._database: Database = (
            SqliteDatabase(url)
            if url.startswith("sqlite:")
            else PostgresqlDatabase(url, programs=programs, patroni_urls=patroni_urls)
        )

    def make(self, *, tell: Tell) -> Backup:
        """Make a backup of the catalog as it is at one moment; nobody has to wait for it."""
        with self._folder.locked():
            return self._folder.add(lambda folder, backup_id: self._write(folder, backup_id, tell))

    def prune(self, *, keep: int) -> list[str]:
        """Delete all but the newest `keep` (from 1) good backups of this catalog; return the ids of those that went.

        Damaged backups and those of other catalogs neither count nor go.
        """
        if keep < 1:
            raise ValueError(f"keep={keep}")
        with self._folder.locked():
            whole = [b for b in self.list() if not b.problem and b.manifest and b.manifest.is_of(self._catalog)]
            for backup in whole[keep:]:
                self._folder.remove(backup)
            return [backup.id for backup in whole[keep:]]

    def list(self) -> list[Backup]:
        """Return the backups of the folder, those of other catalogs too, newest first."""
        return self._folder.backups()

    def verify(self, backup_id: str, *, tell: Tell) -> Manifest:
        """Return the manifest of a backup that is whole: checked, restored into a scratch database and counted."""
        backup = self._folder.find(backup_id)
        with self._folder.locked():
            manifest = self._check(backup, tell)
            with self._database.restored(backup.file, manifest, tell=tell) as scratch:
                _compare(manifest, self._database.contents_of(scratch))
        return manifest

    def restore(self, backup_id: str, *, force: bool, tell: Tell) -> Restored:
        """Put a backup in the place of the catalog, once it has been restored beside it, counted and upgraded.

        Refused when the catalog has rows or anybody else uses it, unless force is given. What was the catalog is kept
        under another name.
        """
        backup = self._folder.find(backup_id)
        with self._folder.locked():
            manifest = self._check(backup, tell)
            if not force:
                self._require_free()
            with self._database.restored(backup.file, manifest, tell=tell) as scratch:
                _compare(manifest, self._database.contents_of(scratch))
                with Catalog(
                    scratch, patroni_urls=self._patroni_urls
                ) as catalog:  # a backup of an older version; a newer one is refused
                    catalog.upgrade()
                tell("swapping")
                kept = self._database.swap(scratch, force=force)
        return Restored(manifest=manifest, kept=kept)

    def _write(self, folder: Path, backup_id: str, tell: Tell) -> Manifest:
        made_at = datetime.now(UTC)
        file = folder / FILES[self._database.kind]
        contents, program = self._database.dump(file, tell=tell)
        tell("checksum")
        return Manifest(
            id=backup_id,
            made_at=made_at,
            kind=self._database.kind,
            catalog=self._catalog,
            program=program,
            revision=contents.revision,
            rows=contents.rows,
            bytes=file.stat().st_size,
            sha256=file_sha256(file),
        )

    def _check(self, backup: Backup, tell: Tell) -> Manifest:
        tell("checksum")
        manifest = self._folder.check(backup)
        if manifest.kind != self._database.kind:
            raise BackupError(
                f"the backup {backup.id} is one of {manifest.kind}, and {self._catalog} is a catalog of "
                f"{self._database.kind}: set DATABASE_URL to one of {manifest.kind}"
            )
        return manifest

    def _require_free(self) -> None:
        live = self._database.contents()
        if live and any(live.rows.values()):
            rows = ", ".join(f"{number:,} {table}" for table, number in live.rows.items() if number)
            raise BackupError(
                f"the catalog {self._catalog} is not empty ({rows}): --force puts the backup in its place"
            )
        if live:
            self._database.require_idle()


def _compare(manifest: Manifest, found: Contents) -> None:
    """Raise BackupError unless the scratch database holds what the manifest says."""
    if (found.revision, found.rows) == (manifest.revision, manifest.rows):
        return
    differing = sorted({table for table, _ in found.rows.items() ^ manifest.rows.items()})
    told = [f"{table}: {found.rows.get(table)} rows instead of {manifest.rows.get(table)}" for table in differing]
    if found.revision != manifest.revision:
        told.append(f"revision {found.revision} instead of {manifest.revision}")
    raise BackupError(f"the backup {manifest.id} is damaged: {'; '.join(told)}")
