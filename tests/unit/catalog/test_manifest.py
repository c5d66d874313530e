"""Whose backup one is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from image_spider.catalog.backups.manifest import Kind, Manifest


def a_manifest(catalog: str) -> Manifest:
    kind: Kind = "sqlite" if catalog.startswith("sqlite:") else "postgresql"
    made_at = datetime(2026, 11, 20, tzinfo=UTC)
    whole = Manifest(
        id="20261120T000000Z",
        made_at=made_at,
        kind=kind,
        catalog=catalog,
        program="pg_dump 18.1",
        revision=None,
        rows={},
        bytes=0,
        sha256="",
    )
    return Manifest.from_json(whole.to_json())


@pytest.mark.parametrize(
    ("catalog", "other", "same"),
    [
        ("sqlite:///a", "sqlite:///a", True),
        ("sqlite:///a", "sqlite:///b", False),
        ("sqlite:///a", "postgresql://one/a", False),
        ("postgresql://me:***@one/a", "postgresql://me:***@one,two/a", True),
        ("postgresql://me:***@one,two/a", "postgresql://two:5432,three/a?sslmode=require", True),
        ("postgresql://one/a", "postgresql://one/b", False),
        ("postgresql://one/a", "postgresql://one:5433/a", False),
        ("postgresql://one/a", "sqlite:///a", False),
        ("what is no URL", "postgresql://one/a", False),
    ],
)
def test_a_backup_is_of_the_same_database_of_any_same_server(catalog: str, other: str, same: bool):
    assert a_manifest(catalog).is_of(other) is same
