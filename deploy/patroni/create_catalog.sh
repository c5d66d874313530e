#!/bin/sh
# Make the role and the database of the catalog; Patroni runs it once, on the first primary, with a connection string.
# CATALOG_PASSWORD stands in the environment of Patroni. createdb: a backup is restored into a new database first;
# pg_read_all_stats: the pool asks a standby which timeline it receives.
set -eu
exec psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 "$1" <<'SQL'
\getenv password CATALOG_PASSWORD
create role images login createdb password :'password' in role pg_read_all_stats;
create database images owner images;
SQL
