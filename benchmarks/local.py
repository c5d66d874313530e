"""One worker on one machine, beside Scrapy's own ImagesPipeline: `python -m benchmarks.local`.

Prints images/s, CPU seconds per 1,000 images, and memory after 2,000 images and at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.gallery import Gallery

ROOT = Path(__file__).parent.parent
EARLY = 2000  # images after which memory is first read: caches are warm by then
SAME = {"CONCURRENT_REQUESTS": 16, "LOG_LEVEL": "WARNING", "MEMUSAGE_ENABLED": False}
OURS = {**SAME, "HOST_DELAY_SECONDS": 0, "HOST_CONCURRENCY": 16, "CONTACT_URL": "http://127.0.0.1/"}
STOCK = {**SAME, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "IMAGES_STORE": "images", "TELNETCONSOLE_ENABLED": False}


@dataclass(frozen=True, slots=True)
class Run:
    """What one crawl took: seconds, CPU seconds, and resident memory in MB at the two moments."""

    name: str
    images: int
    seconds: float
    cpu_seconds: float
    early_mb: float
    late_mb: float


def measure(name: str, gallery: Gallery, arguments: list[str], settings: dict[str, object]) -> Run:
    """Run `scrapy` on the gallery in a folder of its own."""
    words = [word for key, value in settings.items() for word in ("-s", f"{key}={value}")]
    command = [sys.executable, "-m", "scrapy", *arguments, "-a", f"url={gallery.url}", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SCRAPY_SETTINGS_MODULE": "image_spider.settings"}
    if arguments[0] == "runspider":
        environment.pop("SCRAPY_SETTINGS_MODULE")
    gallery.reset()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        started = time.monotonic()
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stderr=output)
        memory = _Memory(process.pid, gallery)
        memory.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        memory.join()
        stored = sum(1 for path in Path(folder).rglob("*.jpg") if "thumbs" not in path.parts)
        if process.returncode or stored != gallery.images:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SystemExit(f"{name}: {stored} of {gallery.images} images stored; {said}")
    return Run(name, stored, seconds, usage.ru_utime + usage.ru_stime, memory.early, memory.late)


class _Memory(threading.Thread):
    """Reads the resident memory of a process until it ends."""

    def __init__(self, pid: int, gallery: Gallery) -> None:
        super().__init__()
        self._pid, self._gallery = pid, gallery
        self._ended = threading.Event()
        self.early = self.late = 0.0

    def run(self) -> None:
        while resident := self._resident():
            if not self.early and self._gallery.served() >= min(EARLY, self._gallery.images // 2):
                self.early = resident
            self.late = resident
            self._ended.wait(0.2)

    def _resident(self) -> float:
        try:
            status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0.0
        lines = [line.split() for line in status.splitlines()]
        return next((int(line[1]) / 1024 for line in lines if line[0] == "VmRSS:"), 0.0)


def table(runs: list[Run]) -> Table:
    """Return the runs side by side, with their rate as a ratio to the last one."""
    result = Table("worker", "images/s", "ratio", "CPU s per 1,000", "MB early", "MB late", "growth MB")
    for column in result.columns[1:]:
        column.justify = "right"
    base = runs[-1].images / runs[-1].seconds
    for run in runs:
        rate = run.images / run.seconds
        result.add_row(
            run.name,
            f"{rate:.0f}",
            f"{rate / base:.2f}",
            f"{run.cpu_seconds * 1000 / run.images:.2f}",
            f"{run.early_mb:.0f}",
            f"{run.late_mb:.0f}",
            f"{run.late_mb - run.early_mb:+.0f}",
        )
    return result


def _peer(name: str) -> list[str]:
    return ["runspider", str(ROOT / f"benchmarks/peers/{name}.py")]


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--megapixels", type=float, default=0.5)
    arguments = parser.parse_args()
    with Gallery(arguments.images, megapixels=arguments.megapixels) as gallery:
        runs = [
            measure("image_spider", gallery, ["crawl", "images"], OURS),
            measure("stock + thumbnail", gallery, _peer("stock_scrapy_thumbnails"), STOCK),
            measure("stock ImagesPipeline", gallery, _peer("stock_scrapy"), STOCK),
        ]
    Console(width=110).print(table(runs))


if __name__ == "__main__":
    main()
