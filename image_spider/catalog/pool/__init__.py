"""A pool of PostgreSQL connections that follows the primary; it never makes one (docs/decisions/0013-pool.md)."""
