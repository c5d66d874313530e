"""`scrapy catalog check-images` as a process."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.stores.local import LocalStore
from tests.images import a_png
from tests.project import Project
from tests.sites import Site
from tests.stored_images import files_of, store_file, store_images
from tests.system.fleet import Fleet
from tests.waiting import wait_until

PICTURES = 5
POLITE = {"HOST_DELAY_SECONDS": "0", "RETRY_DELAY_SECONDS": "0.1", "CONTACT_URL": "http://127.0.0.1/"}


@pytest.fixture
def store(project: Project) -> LocalStore:
    return LocalStore(project.data / "images")


@pytest.fixture
def stored(project: Project, store: LocalStore) -> dict[str, bytes]:
    """Images of an earlier crawl, whose site is gone."""
    store.open()
    with Catalog(f"sqlite:///{project.data}/catalog.sqlite3") as catalog:
        catalog.open()
        return store_images(catalog, store, PICTURES)


@pytest.fixture
def mirror(project: Project, stored: dict[str, bytes]) -> LocalStore:
    """A mirror that is up to date."""
    mirror = LocalStore(project.folder / "mirror")
    mirror.open()
    for path, data in stored.items():
        mirror.write(path, data)
    return mirror


def check(project: Project, *words: object, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Return the exit code, what was found, and what was said on standard error."""
    done = project.run("catalog", "check-images", "--json", *words, **POLITE | environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("missing", "damaged", "extra", "repaired", "left")}


def spoil(store: LocalStore, path: str) -> bytes:
    """Turn a bit of a stored file; return what it is now."""
    data = bytearray(store.fetch(path))
    data[-1] ^= 1
    (store.root / path).write_bytes(data)
    return bytes(data)


def test_what_no_mirror_has_is_downloaded_again_what_was_damaged_is_kept_and_what_is_gone_is_named(
    project: Project, store: LocalStore
):
    images = {f"/{number}.png": a_png(number) for number in range(PICTURES)}
    inline = f"data:image/png;base64,{base64.b64encode(a_png(PICTURES)).decode()}"
    page = "".join(f'<img src="{path}">' for path in images) + f'<img src="{inline}" alt="within the page">'
    with Site({"/": page} | images) as site:
        project.crawl(site.url)
        whole = files_of(store)
        rows = project.rows("select sha256, path, first_seen from images order by sha256")
        found = dict(project.rows("select alt, path from images join sightings on sha256 = image_sha256 order by path"))
        of_page = found["within the page"]
        missing, changed, gone = [path for path in whole if path != of_page][:3]
        for path in (missing, gone, of_page):
            store.remove(path)
        spoilt = spoil(store, changed)
        for name, data in images.items():
            if data == whole[gone]:
                site.statuses[name] = 404

        code, report, said = check(project, "--full", "--repair")
        assert (code, counts(report)) == (1, {"missing": 3, "damaged": 1, "extra": 0, "repaired": 3, "left": 1}), said
        assert [finding["path"] for finding in report["findings"] if not finding["repaired"]] == [gone]
    assert files_of(store) == {path: data for path, data in whole.items() if path != gone}
    assert (project.data / "damaged-images" / Path(changed).name).read_bytes() == spoilt
    assert project.rows("select sha256, path, first_seen from images order by sha256") == rows
    assert set(project.rows("select state from crawls where id like 'repair-%'")) == {("completed",)}


def test_in_a_fleet_the_workers_download_also_what_they_have_downloaded_before(tmp_path: Path):
    store = LocalStore(tmp_path / "data/images")
    pages: dict[str, str | bytes] = {"/1.png": a_png(1), "/2.png": a_png(2)}
    pages["/"] = "".join(f'<img src="{path}">' for path in pages)
    with Fleet(tmp_path) as fleet, Site(pages) as site:
        fleet.start_worker()
        fleet.push({"url": site.url, "crawl_id": "first"})
        wait_until(lambda: fleet.recorded("first"))
        path, data = min(files_of(store).items())
        store.remove(path)
        code, report, said = check(fleet, "--repair")
        assert "1 start URLs pushed" in said
        assert (code, report["left"]) in [(1, 1), (0, 0)], "the worker may be faster"
        wait_until(lambda: store.size(path))
        assert store.fetch(path) == data


def test_a_mirror_gives_back_what_it_has_and_an_extra_file_stays_until_it_is_to_be_deleted(
    project: Project, store: LocalStore, stored: dict[str, bytes], mirror: LocalStore
):
    missing, changed = list(stored)[:2]
    store.remove(missing)
    spoil(store, changed)
    extra, data = store_file(store, PICTURES)
    code, report, said = check(project, "--full", "--repair", IMAGES_MIRRORS="mirror")
    assert (code, counts(report)) == (1, {"missing": 1, "damaged": 1, "extra": 1, "repaired": 2, "left": 1})
    assert f"{missing}: missing; copied back from {mirror.root}" in said
    assert f"{extra}: no image of the catalog" in said.splitlines()
    assert files_of(store) == stored | {extra: data}
    done = project.run("catalog", "check-images", "--remove-extra")
    words = f"{PICTURES} images and {PICTURES + 1} files compared: 0 missing, 0 damaged, 1 extra; 1 mended\n"
    assert (done.returncode, done.stdout) == (0, words), done.stderr
    assert files_of(store) == stored
