"""The manifest of a backup: a small JSON file that says what the file beside it must hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

from image_spider.catalog.pool.address import parse_url
from image_spider.exceptions import BackupError, UsageError

Kind = Literal["sqlite", "postgresql"]
FILES: dict[Kind, str] = {"sqlite": "catalog.sqlite3", "postgresql": "catalog.dump"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One backup: when it was made (UTC), of which catalog (no password), and what its file must turn out to be.

    program is what wrote the file, with its version; revision that of the migrations; rows are counted in the moment
    that the backup shows; bytes and sha256 are those of the file.
    """

    id: str
    made_at: datetime
    kind: Kind
    catalog: str
    program: str
    revision: str | None
    rows: dict[str, int]
    bytes: int
    sha256: str

    @property
    def file(self) -> str:
        """The name of the backup's file, beside the manifest."""
        return FILES[self.kind]

    def is_of(self, catalog: str) -> bool:
        """Tell whether it is a backup of this catalog, a URL: of PostgreSQL, the same database of any same server.

        Servers may have been added since, and others taken away.
        """
        if self.catalog == catalog:
            return True
        if self.kind != "postgresql" or not catalog.startswith("postgresql:"):
            return False
        try:
            ours, theirs = parse_url(self.catalog), parse_url(catalog)
        except UsageError:
            return False
        same_name = ours.parameters.get("dbname") == theirs.parameters.get("dbname")
        return same_name and not set(ours.addresses).isdisjoint(theirs.addresses)

    def to_json(self) -> str:
        """Return the manifest as its file holds it."""
        return json.dumps(asdict(self) | {"made_at": self.made_at.isoformat()}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what to_json wrote; raise BackupError for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            made_at = datetime.fromisoformat(values["made_at"]).astimezone(UTC)
            known = {field.name: values[field.name] for field in fields(cls)}
            manifest = cls(**known | {"made_at": made_at})
            valid = manifest.kind in FILES and all(isinstance(number, int) for number in manifest.rows.values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupError(f"its manifest cannot be read: {error!r}") from error
        if not valid:
            raise BackupError("its manifest cannot be read: a kind or a count that is none")
        return manifest
