"""Copies of real files to mirrors that come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import behind, claim_copies, queue_copies
from image_spider.exceptions import StoreError
from image_spider.mirrors.catching_up import catch_up, queue_lacking
from image_spider.mirrors.copier import Copier
from image_spider.mirrors.copying import CLAIM_SECONDS, Copied, Copying
from image_spider.stores.local import LocalStore
from tests.samples import NOON
from tests.stored_images import files_of, store_images
from tests.unreadable import unreadable
from tests.waiting import wait_until

FILES = 20


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/catalog.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mirror(tmp_path: Path) -> LocalStore:
    (tmp_path / "mirror").mkdir()
    return LocalStore(tmp_path / "mirror")


@pytest.fixture
def stored(catalog: Catalog, store: LocalStore, mirror: LocalStore) -> dict[str, bytes]:
    """Images that are stored and recorded and that the mirror lacks, by their paths."""
    files = store_images(catalog, store, FILES)
    queue(catalog, mirror.name, files)
    return files


@pytest.fixture
def make_copying(
    catalog: Catalog, store: LocalStore, mirror: LocalStore, clock: Clock
) -> Iterator[Callable[[], Copying]]:
    """Workers that copy to the mirror."""
    made: list[Copying] = []

    def make() -> Copying:
        made.append(Copying(catalog=catalog, store=store, mirror=mirror, clock=clock))
        return made[-1]

    yield make
    for copying in made:
        copying.close()


@pytest.fixture
def copying(make_copying: Callable[[], Copying]) -> Copying:
    return make_copying()


def queue(catalog: Catalog, mirror: str, paths: dict[str, bytes]) -> None:
    sha256s = [Path(path).stem for path in paths]
    catalog.transaction(lambda connection: queue_copies(connection, sha256s, mirrors=[mirror], now=NOON))


def test_what_is_queued_is_copied_and_leaves_the_queue(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    copied = copying.step()
    assert (copied.claimed, copied.files, copied.bytes) == (FILES, FILES, sum(map(len, stored.values())))
    assert files_of(mirror) == stored
    assert catalog.read(behind) == []
    assert copying.step() == Copied()


def test_a_mirror_that_was_away_for_an_hour_is_brought_up_to_date_when_it_is_back(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    gone = mirror.root.with_name("unplugged")
    first = copying.step(limit=2)
    assert first.files == 2
    mirror.root.rename(gone)
    for _ in range(30):
        copied = copying.step(limit=1)
        assert copied.files == 0
        clock.forward(minutes=2)
    (state,) = catalog.read(behind)
    assert (state.files, state.since) == (FILES - 2, NOON)
    assert "mirror" in state.error
    gone.rename(mirror.root)
    clock.forward(minutes=10)
    while copying.step().claimed:
        pass
    assert files_of(mirror) == stored
    assert catalog.read(behind) == []


def test_a_copy_leaves_the_queue_only_when_its_name_is_durable(
    catalog: Catalog,
    mirror: LocalStore,
    stored: dict[str, bytes],
    copying: Copying,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(store: LocalStore, paths: Collection[str]) -> None:
        assert (store.root, {*paths}) == (mirror.root, stored.keys())
        raise StoreError("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "keep_names", fail)
        assert copying.step().away == "Input/output error"
    (state,) = catalog.read(behind)
    assert state.files == FILES
    clock.forward(seconds=30)
    assert copying.step().files == FILES
    assert catalog.read(behind) == []


def test_a_mirror_that_fails_is_not_asked_for_the_rest_of_the_batch(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    copying.step(limit=1)
    mirror.root.rename(mirror.root.with_name("unplugged"))
    copied = copying.step()
    assert copied.away
    (state,) = catalog.read(behind)
    assert state.files == FILES - 1
    assert state.failing <= mirror.threads
    assert copying.step(limit=FILES).claimed >= FILES - 1 - mirror.threads, "what was not begun is due at once"


def test_a_file_that_the_mirror_refuses_does_not_keep_others_from_it(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    (refused, *others) = sorted(stored)
    mirror.open()
    (mirror.root / refused).parent.parent.mkdir(exist_ok=True)
    (mirror.root / refused).parent.touch()
    steps = 0
    while copying.step(limit=1 if steps else FILES).claimed:
        steps += 1
    assert set(files_of(mirror)) >= {path for path in others if Path(path).parent != Path(refused).parent}
    (state,) = catalog.read(behind)
    assert (state.files, state.failing) == (1, 1)
    (mirror.root / refused).parent.unlink()
    clock.forward(seconds=30)
    assert copying.step().files == 1
    assert files_of(mirror) == stored


def test_a_damaged_file_is_never_copied_waits_and_holds_nobody_up(
    catalog: Catalog, store: LocalStore, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    damaged, missing = sorted(stored)[:2]
    whole = (store.root / damaged).read_bytes()
    (store.root / damaged).write_bytes(whole[:-1] + b"?")
    store.remove(missing)
    copied = copying.step()
    assert (copied.files, copied.away) == (FILES - 2, "")
    assert [line.partition(": ")[2] for line in sorted(copied.damaged)] in (
        [["missing", "its SHA-256 is not that of its name"], ["its SHA-256 is not that of its name", "missing"]]
    )
    assert copying.step() == Copied(), "it waits"
    (store.root / damaged).write_bytes(whole)
    clock.forward(seconds=30)
    assert copying.step().files == 1
    assert files_of(mirror) == {path: data for path, data in stored.items() if path != missing}


def test_a_file_of_the_right_size_and_wrong_bytes_on_the_mirror_is_replaced_and_one_that_cannot_be_read_waits(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    mirror.open()
    wrong, unread, right = sorted(stored)[:3]
    for path, data in ((wrong, stored[wrong][::-1]), (unread, stored[unread]), (right, stored[right])):
        mirror.write(path, data)
    with unreadable(mirror.root / unread):
        copied = copying.step()
    assert copied.damaged == ()
    assert copied.away == f"{mirror.root / unread}: cannot be read: Input/output error"
    clock.forward(seconds=30)
    while copying.step().claimed:
        pass
    assert files_of(mirror) == stored
    assert catalog.read(behind) == []


def test_a_mirror_that_is_the_store_under_another_name_is_refused(
    catalog: Catalog, store: LocalStore, tmp_path: Path, clock: Clock
):
    files = store_images(catalog, store, 1)
    (tmp_path / "link").symlink_to(store.root)
    mirror = LocalStore(tmp_path / "link")
    queue(catalog, mirror.name, files)
    copying = Copying(catalog=catalog, store=store, mirror=mirror, clock=clock)
    assert copying.step().away == f"the mirror {mirror.name} is IMAGES_STORE, or a volume of it: name another one"
    copying.close()
    (state,) = catalog.read(behind)
    assert state.files == 1
    assert files_of(store) == files


def test_what_a_killed_worker_claimed_is_copied_by_another_one_in_time(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    until = NOON + timedelta(seconds=CLAIM_SECONDS)
    catalog.transaction(
        lambda connection: claim_copies(connection, mirror=mirror.name, now=NOON, until=until, limit=FILES - 5)
    )
    assert copying.step().files == 5
    assert copying.step() == Copied()
    clock.forward(seconds=CLAIM_SECONDS)
    assert copying.step().files == FILES - 5
    assert files_of(mirror) == stored


@pytest.mark.parametrize("catalog_url", ["sqlite", "postgresql"], indirect=True)
def test_workers_that_copy_at_once_copy_each_file_once(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], make_copying: Callable[[], Copying]
):
    workers = [make_copying() for _ in range(4)]
    first = sum(worker.step(limit=1).files for worker in workers)  # which opens the mirror, once in a process

    def work(copying: Copying) -> int:
        copied = 0
        while (step := copying.step(limit=3)).claimed:
            copied += step.files
        return copied

    with ThreadPoolExecutor(4) as threads:
        assert first + sum(threads.map(work, workers)) == FILES
    assert files_of(mirror) == stored
    assert catalog.read(behind) == []


def test_told_to_halt_it_gives_back_what_it_has_not_begun(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    assert copying.step(halted=lambda: True).files == 0
    (state,) = catalog.read(behind)
    assert (state.files, state.failing) == (FILES, 0)
    assert copying.step().files == FILES, "at once, and with no attempt counted"


def test_in_a_hurry_what_waits_for_its_next_attempt_is_copied_now(
    catalog: Catalog, store: LocalStore, mirror: LocalStore, stored: dict[str, bytes]
):
    mirror.root.rmdir()
    copying = Copying(catalog=catalog, store=store, mirror=mirror)
    pauses: list[float] = []
    away = [copied.away for copied in catch_up(catalog, copying, pause=pauses.append)]
    assert (len(away), all(away), pauses) == (2, True, [1])
    mirror.root.mkdir()
    copying.step(limit=1)
    assert sum(copied.files for copied in catch_up(catalog, copying)) == FILES - 1
    copying.close()
    assert files_of(mirror) == stored


def test_a_mirror_that_somebody_changed_is_compared_and_gets_what_it_lacks(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying, clock: Clock
):
    copying.step()
    missing, short, changed = sorted(stored)[:3]
    mirror.remove(missing)
    (mirror.root / short).write_bytes(b"x")
    (mirror.root / changed).write_bytes(stored[changed][::-1])
    assert sum(checked.files for checked in queue_lacking(catalog, mirror, full=False, clock=clock)) == FILES
    assert copying.step().files == 2
    assert sum(checked.files for checked in queue_lacking(catalog, mirror, full=True, clock=clock)) == FILES
    assert copying.step().files == 1
    assert files_of(mirror) == stored


def test_a_file_that_cannot_be_read_now_is_not_deleted_from_a_mirror(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    copying.step()
    path = min(stored)
    with unreadable(mirror.root / path):
        (finding,) = [one for checked in queue_lacking(catalog, mirror, full=True) for one in checked.findings]
    assert finding.line() == f"{path}: cannot be read: Input/output error"
    assert catalog.read(behind) == []
    assert files_of(mirror) == stored


def test_a_copier_copies_what_comes_and_at_its_end_what_is_left(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    told: list[Copied] = []
    copier = Copier(copying, tell=told.append)
    copier.start()
    wait_until(lambda: catalog.read(behind) == [])
    mirror.remove(min(stored))
    queue(catalog, mirror.name, {min(stored): b""})
    copier.end(seconds=60)
    copier.join()
    assert files_of(mirror) == stored
    assert sum(copied.files for copied in told) == FILES + 1


def test_a_copier_tells_once_that_its_mirror_is_away_and_goes_on_when_it_is_back(
    catalog: Catalog,
    mirror: LocalStore,
    stored: dict[str, bytes],
    copying: Copying,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO")
    mirror.root.rmdir()
    away = threading.Semaphore(0)

    def tell(copied: Copied) -> None:
        clock.forward(minutes=11)
        if copied.away:
            away.release()

    copier = Copier(copying, tell=tell)
    copier.start()
    assert away.acquire(timeout=60)
    assert away.acquire(timeout=60)
    mirror.root.mkdir()
    wait_until(lambda: catalog.read(behind) == [])
    copier.end(seconds=0)
    copier.join()
    assert [record.getMessage().partition(str(mirror.root))[2][:14] for record in caplog.records] == [
        " waits, and th",
        " is back",
    ]


def test_a_copier_that_is_to_end_does_not_wait_for_a_mirror_that_is_away(
    catalog: Catalog, mirror: LocalStore, stored: dict[str, bytes], copying: Copying
):
    mirror.root.rmdir()
    copier = Copier(copying, tell=lambda copied: None)
    copier.start()
    copier.end(seconds=3600)
    copier.join()
    (state,) = catalog.read(behind)
    assert state.files == FILES
