"""Backups of the catalog: made, listed, verified and restored, for SQLite and PostgreSQL alike."""
