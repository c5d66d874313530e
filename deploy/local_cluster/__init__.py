"""`make cluster`: Redis and a PostgreSQL cluster under Patroni on one machine, in the background, from wheels alone."""
