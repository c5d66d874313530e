"""Restores a backup again and again, killed at every moment at which it touches the disk or SQLite.

A program of its own: `python -m tests.integration.backups.killed_restore CATALOG FOLDER ID`. Before each attempt the
catalog is a fresh copy of what it was. It prints a JSON line per attempt: what the killed one did last, and how many
images the catalog has now; the last line is that of the attempt that got through.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from image_spider.catalog.backups.backups import Backups

EVENTS = ("open", "os.", "shutil.", "sqlite3.", "pathlib.")


def restore_killed_at(number: int, *, catalog: Path, folder: Path, backup_id: str, notes: Path) -> bool:
    """Restore in a process that kills itself at its event of that number; tell whether it got through."""
    child = os.fork()
    if child == 0:
        seen = 0

        def die(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event.startswith(EVENTS):
                seen += 1
                if seen == number:
                    os.write(note, f"{event} {arguments[:2]}".encode())
                    os.kill(os.getpid(), signal.SIGKILL)

        note = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        sys.addaudithook(die)
        Backups(f"sqlite:///{catalog}", folder=folder).restore(backup_id, force=True, tell=lambda _: None)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def main(catalog: Path, folder: Path, backup_id: str) -> None:
    before = catalog.with_name("before")
    shutil.copy(catalog, before)
    number, through = 0, False
    while not through:
        number += 1
        shutil.copy(before, catalog)
        notes = catalog.with_name("notes")
        through = restore_killed_at(number, catalog=catalog, folder=folder, backup_id=backup_id, notes=notes)
        with closing(sqlite3.connect(catalog)) as connection:
            ((images,),) = connection.execute("select count(*) from images")
            ((state,),) = connection.execute("pragma integrity_check")
        print(json.dumps({"killed_at": notes.read_text(), "images": images, "state": state}))
        for kept in catalog.parent.glob(f"{catalog.name}.before-*"):
            kept.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
