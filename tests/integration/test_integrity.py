"""The check of a store against its catalog, and its repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.copies import behind
from image_spider.catalog.files import RecordedFile
from image_spider.catalog.writes import write_items
from image_spider.exceptions import StoreError, UnreadableFile
from image_spider.integrity.check import Check
from image_spider.integrity.checkup import Checkup, Wishes
from image_spider.integrity.findings import Finding
from image_spider.integrity.journal import Journal
from image_spider.integrity.repair import Repair
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import thumbnail_path
from image_spider.stores.volumes import VolumeStore
from tests.samples import an_image, an_item
from tests.stored_images import files_of, store_file, store_images
from tests.unreadable import unreadable

FILES = 12


@pytest.fixture
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/catalog.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_spider.integrity.check.BATCH_FILES", 5)
    monkeypatch.setattr("image_spider.integrity.check.SETTLE_SECONDS", 0)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[str], LocalStore]:
    def make(name: str) -> LocalStore:
        store = LocalStore(tmp_path / name)
        store.open()
        return store

    return make


@pytest.fixture
def store(make_store: Callable[[str], LocalStore]) -> LocalStore:
    return make_store("images")


@pytest.fixture
def stored(catalog: Catalog, store: LocalStore) -> dict[str, bytes]:
    """Images that are stored and recorded, by their paths in the order of their SHA-256."""
    return store_images(catalog, store, FILES)


class Run:
    """A checkup as the command makes it, in the folder of a test."""

    def __init__(self, catalog: Catalog, store: LocalStore, folder: Path, mirrors: Iterable[LocalStore] = ()) -> None:
        self.catalog, self.store, self.folder = catalog, store, folder
        self.mirrors = [*mirrors]

    def checkup(self, journal: Journal, *, full: bool = False, **wishes: bool) -> Checkup:
        return Checkup(
            catalog=self.catalog,
            store=self.store,
            check=Check(catalog=self.catalog, store=self.store, full=full),
            repair=Repair(store=self.store, mirrors=self.mirrors, aside=self.folder / "aside"),
            journal=journal,
            wishes=Wishes(**wishes),
        )

    def __call__(self, *, full: bool = False, **wishes: bool) -> dict[str, list[str]]:
        """Return the lines that are said of files, by kind."""
        with self.journal(full=full) as journal:
            checkup = self.checkup(journal, full=full, **wishes)
            batches = [*checkup.recorded(after="", again=()), *checkup.unrecorded()]
            journal.end()
        lines: dict[str, list[str]] = {}
        for finding in (finding for batch in batches for finding in batch.findings):
            lines.setdefault(finding.kind, []).append(finding.line())
        return lines

    def journal(self, *, full: bool = False) -> Journal:
        return Journal(self.folder / "journal", subject={"store": self.store.name, "full": full})


@pytest.fixture
def run(catalog: Catalog, store: LocalStore, tmp_path: Path) -> Run:
    return Run(catalog, store, tmp_path)


def test_nothing_is_wrong_with_a_store_that_is_whole(run: Run, store: LocalStore, stored: dict[str, bytes]):
    store.write(thumbnail_path(min(stored)), b"thumbnail")
    (store.root / ".ledgers").mkdir()
    (store.root / ".ledgers/some.jsonl").write_bytes(b"{}")
    assert run() == {}
    assert run(full=True) == {}
    assert run(repair=True, remove_extra=True) == {}
    assert files_of(store) == stored


@pytest.mark.parametrize("catalog_url", ["sqlite", "postgresql"], indirect=True)
def test_missing_damaged_and_extra_files_are_found(run: Run, store: LocalStore, stored: dict[str, bytes]):
    missing, short, folder, changed = list(stored)[:4]
    store.remove(missing)
    (store.root / short).write_bytes(b"short")
    store.remove(folder)
    (store.root / folder).mkdir()
    (store.root / changed).write_bytes(stored[changed][::-1])
    extra, _ = store_file(store, FILES)
    other_type = str(Path(missing).with_suffix(".png"))
    store.write(other_type, b"the same image under another name")
    size = (store.root / folder).stat().st_size
    found = run()
    assert found == {
        "missing": [f"{missing}: missing"],
        "damaged": [
            f"{short}: 5 bytes instead of {len(stored[short])}",
            f"{folder}: {size:,} bytes instead of {len(stored[folder])}",
        ],
        "extra": sorted(f"{path}: no image of the catalog" for path in (extra, other_type)),
    }
    full = run(full=True)
    assert full["damaged"] == [*found["damaged"], f"{changed}: its SHA-256 is not that of its name"]


def test_extra_files_are_deleted_only_when_that_is_asked_for(run: Run, store: LocalStore, stored: dict[str, bytes]):
    extra, data = store_file(store, FILES)
    assert run(repair=True) == {"extra": [f"{extra}: no image of the catalog"]}
    assert files_of(store) == stored | {extra: data}
    assert run(remove_extra=True) == {"extra": [f"{extra}: no image of the catalog; deleted"]}
    assert files_of(store) == stored


def test_with_an_empty_catalog_no_file_is_extra_enough_to_be_deleted(run: Run, store: LocalStore):
    path, data = store_file(store, FILES)
    with pytest.raises(StoreError, match="the catalog has no image"):
        run(remove_extra=True)
    assert files_of(store) == {path: data}
    assert run() == {"extra": [f"{path}: no image of the catalog"]}


def test_a_file_that_a_ledger_tells_of_is_not_deleted_as_the_catalog_may_be_an_old_backup(
    run: Run, store: LocalStore, stored: dict[str, bytes]
):
    (told, data), (extra, _) = (store_file(store, FILES + number) for number in range(2))
    ledger = store.begin_ledger()
    ledger.append([an_item(image=an_image(sha256=Path(told).stem, path=told, bytes=len(data)))])
    ledger.close()
    assert sorted(run(remove_extra=True)["extra"]) == sorted(
        [
            f"{told}: no image of the catalog, but a ledger tells of it: `scrapy catalog recover --apply`",
            f"{extra}: no image of the catalog; deleted",
        ]
    )
    assert files_of(store) == stored | {told: data}


def test_an_image_that_a_crawl_records_meanwhile_is_not_extra(
    catalog: Catalog, run: Run, store: LocalStore, stored: dict[str, bytes]
):
    path, data = store_file(store, FILES)
    looks = run.checkup(run.journal()).unrecorded()
    (first, second, third) = (next(looks) for _ in range(3))
    assert first.files + second.files + third.files == FILES + 1
    item = an_item(image=an_image(sha256=Path(path).stem, path=path, bytes=len(data)))
    catalog.transaction(lambda connection: write_items(connection, [item], duplicates="keep"))
    assert [finding for checked in looks for finding in checked.findings] == []


def test_a_mirror_gives_back_what_is_missing_or_damaged(
    run: Run, store: LocalStore, stored: dict[str, bytes], make_store: Callable[[str], LocalStore]
):
    poor, rich = make_store("poor"), make_store("rich")
    run.mirrors = [poor, rich]
    missing, short, changed, lost = list(stored)[:4]
    for path in (missing, short, changed):
        rich.write(path, stored[path])
    poor.write(missing, stored[missing][::-1])  # itself damaged
    store.remove(missing)
    store.remove(lost)
    (store.root / short).write_bytes(b"short")
    (store.root / changed).write_bytes(stored[changed][::-1])
    found = run(full=True, repair=True)
    assert sorted(found["missing"]) == sorted([f"{missing}: missing; copied back from {rich.name}", f"{lost}: missing"])
    assert all(line.endswith(f"; copied back from {rich.name}") for line in found["damaged"])
    assert len(found["damaged"]) == 2
    assert files_of(store) == {path: data for path, data in stored.items() if path != lost}
    assert run(full=True) == {"missing": [f"{lost}: missing"]}


def test_an_empty_store_is_filled_from_mirrors_only_when_that_is_asked_for(
    run: Run, store: LocalStore, stored: dict[str, bytes], make_store: Callable[[str], LocalStore]
):
    mirror = make_store("mirror")
    for path, data in stored.items():
        mirror.write(path, data)
        store.remove(path)
    run.mirrors = [mirror]
    with pytest.raises(StoreError, match="is its disk mounted"):
        run(repair=True)
    assert files_of(store) == {}
    assert len(run(repair=True, empty=True)["missing"]) == FILES
    assert files_of(store) == stored


def test_a_check_that_was_ended_goes_on_where_it_was_and_forgets_nothing(
    catalog: Catalog, run: Run, store: LocalStore, stored: dict[str, bytes]
):
    (first, second, *_, last) = stored
    for path in (first, second, last):
        store.remove(path)
    with run.journal() as journal:
        assert next(batch for batch in run.checkup(journal).recorded(after="", again=()) if batch.files).files == 5
    store.write(second, stored[second])
    with (run.folder / "journal").open("a") as file:
        file.write('{"files": 5, "aft')  # a kill in the midst of a line
    for _ in range(2):  # ended before it has looked at anything, it has forgotten nothing either
        with run.journal() as journal:
            before = journal.before
            assert (before.files, len(before.findings)) == (5, 2)
    with run.journal() as journal:
        batches = list(run.checkup(journal).recorded(after=before.after, again=before.findings))
        assert sum(batch.files for batch in batches) == FILES - 5
        assert [finding.path for batch in batches for finding in batch.findings] == [first, last]
        journal.end()
    with run.journal() as journal:
        assert (journal.before.files, journal.before.after, journal.before.findings) == (0, "", ())


def test_the_journal_of_another_store_or_kind_of_check_is_not_gone_on_with(
    run: Run, store: LocalStore, stored: dict[str, bytes]
):
    for full in (False, True):
        with run.journal(full=full) as journal:
            assert journal.before.files == 0
            next(batch for batch in run.checkup(journal).recorded(after="", again=()) if batch.files)
    with run.journal(full=True) as journal:
        assert journal.before.files == 5
    with Journal(run.folder / "journal", subject={"store": store.name, "full": True}, anew=True) as journal:
        assert journal.before.files == 0


def test_two_checks_do_not_run_at_once(run: Run):
    with run.journal(), pytest.raises(StoreError, match="another check is running"), run.journal():
        pass
    with run.journal():
        pass


@pytest.mark.parametrize("catalog_url", ["sqlite", "postgresql"], indirect=True)
def test_what_no_mirror_has_is_downloaded_from_its_url_then_by_way_of_its_page_and_damaged_files_are_kept(
    catalog: Catalog, run: Run, store: LocalStore, stored: dict[str, bytes], tmp_path: Path
):
    missing, changed, moved = list(stored)[:3]
    store.remove(missing)
    store.remove(moved)
    spoilt = stored[changed][::-1]
    (store.root / changed).write_bytes(spoilt)
    urls = {f"https://example.com/{Path(path).stem[:8]}.jpg": path for path in (missing, changed)}
    pages = {f"https://example.com/{Path(path).stem[:8]}.html": path for path in (moved,)}
    asked: list[str] = []

    def fetch(found: Iterable[str]) -> None:
        for url in found:
            asked.append(url)
            if path := (urls | pages).get(url):
                store.write(path, stored[path])

    with run.journal(full=True) as journal:
        checkup = run.checkup(journal, full=True)
        left: list[Finding] = [f for batch in checkup.recorded(after="", again=()) for f in batch.findings]
        assert len(left) == 3
        left = checkup.downloaded(left, urls=checkup.sources(left, pages=False), fetch=fetch)
        assert [finding.path for finding in left if finding.repaired] == [missing, changed]
        left = [finding for finding in left if not finding.repaired]
        (last,) = checkup.downloaded(left, urls=checkup.sources(left, pages=True), fetch=fetch)
        assert last.repaired == "downloaded again"
        checkup.queue_for_mirrors([last], mirrors=["/mnt/mirror"])
    assert asked == [*urls, f"https://example.com/{Path(moved).stem[:8]}.jpg", *pages]
    assert files_of(store) == stored
    assert (tmp_path / "aside" / Path(changed).name).read_bytes() == spoilt
    (state,) = catalog.read(behind)
    assert (state.mirror, state.files) == ("/mnt/mirror", 1)


def test_a_file_that_cannot_be_read_now_is_neither_moved_nor_downloaded(
    run: Run, store: LocalStore, stored: dict[str, bytes]
):
    path = min(stored)
    with unreadable(store.root / path), run.journal(full=True) as journal:
        checkup = run.checkup(journal, full=True)
        left = [finding for batch in checkup.recorded(after="", again=()) for finding in batch.findings]
        asked: list[str] = []
        left = checkup.downloaded(left, urls=checkup.sources(left, pages=False), fetch=asked.extend)
        assert [finding.line() for finding in left] == [f"{path}: cannot be read: Input/output error"]
    assert asked == []
    assert files_of(store) == stored
    assert run(full=True) == {}


def test_a_whole_copy_on_another_volume_is_found_and_never_put_aside(
    catalog: Catalog, stored: dict[str, bytes], make_store: Callable[[str], LocalStore], tmp_path: Path
):
    volumes = VolumeStore([(make_store(name), 1.0) for name in ("one", "two")])
    volumes.open()
    path, data = next(iter(stored.items()))
    home, other = (volumes.volumes[label] for label in volumes.preferred(path))
    other.write(path, data)
    home.write(path, data[:50])
    file = RecordedFile(Path(path).stem, path, len(data))
    for full in (False, True):
        assert Check(catalog=catalog, store=volumes, full=full).look(file) is None
    finding = Finding(kind="damaged", path=path, sha256=file.sha256, bytes=file.bytes, detail="of an earlier run")
    repair = Repair(store=volumes, mirrors=[], aside=tmp_path / "aside")
    assert repair.set_aside(finding) is None
    assert other.fetch(path) == data
    with unreadable(Path(other.place(path))), pytest.raises(UnreadableFile):
        repair.set_aside(finding)
    assert (other.fetch(path), home.fetch(path)) == (data, data[:50])


def test_a_mirror_that_cannot_be_asked_ends_the_repair_and_is_not_taken_for_one_without_the_file(
    run: Run, store: LocalStore, stored: dict[str, bytes], make_store: Callable[[str], LocalStore]
):
    away = LocalStore(run.folder / "not mounted")
    store.remove(min(stored))
    run.mirrors = [away]
    with pytest.raises(StoreError, match="not mounted is not there"):
        run(repair=True)
    other = make_store("other")
    other.write(min(stored), stored[min(stored)])
    run.mirrors = [away, other]
    run(repair=True)
    assert files_of(store) == stored
