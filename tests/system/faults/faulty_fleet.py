"""A fleet that crawls a gated site while something goes wrong, and what was missing or done twice at the end."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.redis_servers import RedisServer
from tests.system.faults.scale import SCALE
from tests.system.faults.site import GatedSite
from tests.system.fleet import FRONTIER, Fleet
from tests.waiting import wait_until

STATE = (
    ("HGETALL", "crawl:default"),
    ("ZRANGE", "ready", 0, -1),
    ("HGETALL", "busy"),
    ("ZRANGE", "workers", 0, -1),
    ("ZCARD", "delayed"),
    ("SMEMBERS", "ended"),
)
MODEST = ("-s", "CONCURRENT_REQUESTS=4")  # and four times as many leased ahead: no worker takes all that there is
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
SETTINGS = {
    "SCRAPY_SETTINGS_MODULE": "tests.system.faults.settings",
    "LEASE_SECONDS": "3",
    "HOST_CONCURRENCY": "1000",  # more than all pages and images of all workers, those of killed ones included
    "IMAGES_PROCESSES": "1",
    "DUPLICATES": "keep",
    "HOST_DELAY_MAX_SECONDS": "0",  # the gate is no sign of trouble: else the crawl would slow down at it
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a crawl did, by the web server's log and the catalog."""

    missing_pages: set[str]
    missing_images: set[str]
    missing_sightings: set[tuple[str, str]]  # page, image: those that the catalog does not have
    repeated_pages: int
    repeated_images: int

    @property
    def missing(self) -> int:
        return len(self.missing_pages) + len(self.missing_images) + len(self.missing_sightings)


class FaultyFleet(Fleet):
    """As many workers as SCALE says, and a site; start() begins the crawl, and finish() waits for its end."""

    def __init__(self, folder: Path, site: GatedSite, redis: RedisServer | None = None) -> None:
        super().__init__(folder, redis)
        self.site = site

    def __enter__(self) -> Self:
        super().__enter__()
        self.environment |= SETTINGS
        return self

    def start_workers(self, *words: object) -> None:
        for number in range(SCALE.workers):
            self.launch_worker("-s", f"LOOP_LAG_FILE=lag{number}.json", *words)
        self.wait_for_joined()

    def start_crawl_of_site(self) -> None:
        """Give the fleet its one start URL; the gate stands at the first tenth."""
        self.site.hold_at(self.site.share(0.1))
        self.push(f"{self.site.url}/")
        self.wait_for_gate()

    def every_worker_has_leases(self) -> bool:
        """Tell whether Redis has a lease of each worker."""
        return self.redis.ask("KEYS", f"{FRONTIER}:leases:*").count(":leases:") == len(self.workers)

    def wait_for_gate(self) -> None:
        """Wait until requests wait at the gate: some work is in flight, much is not begun."""
        try:
            wait_until(lambda: self.site.holds, seconds=SCALE.deadline_seconds, what="requests at the gate")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._state()}") from None

    def gates(self, number: int) -> Iterator[int]:
        """Yield at so many moments of the crawl, evenly spread, each with requests in flight."""
        for gate in range(1, number + 1):
            self.site.hold_at(self.site.share(0.1 + 0.8 * gate / number))
            self.wait_for_gate()
            yield gate

    def name_of(self, number: int) -> str:
        """Return the name under which a worker joined."""
        (name, *_) = re.findall(r"Worker (\S+) has joined the fleet", self.log(number))
        return str(name)

    def said(self, text: str) -> bool:
        """Tell whether all workers have logged a text."""
        return all(text in self.log(number) for number in range(len(self.workers)))

    def finish(self, fault: str) -> Outcome:
        """Open the gate, wait for the end of the crawl, check the books and print what was repeated."""
        self.site.open()
        try:
            ended = wait_until(lambda: self.recorded("default"), seconds=SCALE.deadline_seconds, what="the crawl's end")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._state()}") from None
        assert ended == ("completed", "finished")
        self.assert_files_and_rows_agree()
        asked = self.site.asked()
        outcome = Outcome(
            missing_pages=self.site.all_pages - asked.keys(),
            missing_images=self.site.all_images - asked.keys(),
            missing_sightings=self.site.all_sightings - self._sightings(),
            repeated_pages=_repeated(asked, self.site.all_pages),
            repeated_images=_repeated(asked, self.site.all_images),
        )
        print(
            f"\n| {fault} | {len(self.site.all_pages)} | {len(self.site.all_images)} | {outcome.missing} "
            f"| {outcome.repeated_pages} | {outcome.repeated_images} |"
        )
        return outcome

    def assert_books_balance(self) -> None:
        """Every request that was queued was finished once."""
        fields = {name: int(value) for name, value in self.fields("default").items() if value.isdigit()}
        assert fields["outstanding"] == 0
        assert fields["finished"] == fields["queued"] - fields.get("dead", 0) - fields.get("dropped", 0)
        assert fields.get("dead", 0) == 0

    def frontier_is_empty(self) -> bool:
        """Wait until it is: a worker keeps a host's places a moment longer than it needs them."""
        names = [f"{FRONTIER}:{name}" for name in ("payloads", "ready", "busy", "delayed", "attempts")]
        return bool(wait_until(lambda: self.redis.ask("EXISTS", *names) == ":0", what="the frontier to be empty"))

    def lags(self, number: int, since: float, until: float) -> list[float]:
        """Return the seconds by which a worker's loop was late, between two times of time.monotonic()."""
        noted = json.loads((self.folder / f"lag{number}.json").read_text())
        return [late for at, late in noted if since <= at <= until]

    def _state(self) -> str:
        """Tell where a crawl stands that does not end: its record, the queue, the leases, and what the workers said."""
        asked = [f"{name}: {self.redis.ask(verb, f'{FRONTIER}:{name}', *words)}" for verb, name, *words in STATE]
        leases = self.redis.ask("KEYS", f"{FRONTIER}:leases:*").split("\r\n")[2::2]
        held = [f"{key}: {self.redis.ask('HLEN', key)}" for key in leases]
        logs = [
            f"worker {number}: {line}"
            for number in range(len(self.workers))
            for line in self.log(number).partition("joined the fleet")[2].splitlines()
            if not line.startswith((" ", "{"))
        ]
        ended = [f"worker {number} has ended" for number, one in enumerate(self.workers) if one.poll() is not None]
        return "\n".join([*asked, *held, *logs, *ended])

    def _sightings(self) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(self.data / "catalog.sqlite3")) as connection:
            return set(connection.execute("select page_url, image_url from sightings where image_sha256 is not null"))


def _repeated(asked: Counter[str], paths: set[str]) -> int:
    return sum(asked[path] - 1 for path in paths if path in asked)
