"""The disk of the primary is full for a while."""

from __future__ import annotations

from pathlib import Path

from tests.postgres import PostgresServer
from tests.servers import running
from tests.small_disk import SmallDisk
from tests.system.catalog_faults.writers import Writers
from tests.waiting import wait_until

SILENCE_SECONDS = 1.0


def test_writes_wait_for_room_on_the_disk(tmp_path: Path):
    with running(SmallDisk(tmp_path / "disk", megabytes=160)) as disk:
        server = PostgresServer(disk.folder, "max_wal_size=64MB", "min_wal_size=32MB", disk=disk)
        with running(server), Writers(server.url) as writers:
            writers.go_on()
            disk.fill()
            wait_until(lambda: writers.silent_seconds > SILENCE_SECONDS)
            disk.free()
            if not server.runs:  # it had no room for its WAL either, which ends it
                server.start()
            writers.go_on()
            writers.assert_kept(server, "disk of the primary full")
