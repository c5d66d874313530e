"""`scrapy similar` as a process."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.writes import write_items
from tests.project import ROOT, Project
from tests.samples import a_picture, an_item

PHOTOGRAPH = ROOT / "demo/sources/cat.jpg"


@pytest.fixture
def known(project: Project) -> str:
    """A catalog of a photograph, one like it and one unlike it; the photograph's SHA-256."""
    name = sha256(PHOTOGRAPH.read_bytes()).hexdigest()
    images = [a_picture(1, 0, sha256=name), a_picture(2, 0b111), a_picture(3, (1 << 90) - 1), a_picture(4, None)]
    with Catalog(f"sqlite:///{project.data}/catalog.sqlite3") as catalog:
        catalog.open()
        catalog.transaction(
            lambda connection: write_items(connection, [an_item(f"{i}", image=image) for i, image in enumerate(images)])
        )
    return name


@pytest.mark.parametrize("named_by", ["sha256", "prefix", "file"])
def test_an_image_is_found_by_its_hash_and_by_its_file(project: Project, known: str, named_by: str):
    name = {"sha256": known, "prefix": known[:8].upper(), "file": str(PHOTOGRAPH)}[named_by]
    done = project.run("similar", name)
    assert (done.returncode, done.stderr) == (0, "")
    found = [line.split()[:3] for line in done.stdout.splitlines() if ".jpg" in line]
    assert found == [[known[:16], "exact", "0"], [a_picture(2, 0).sha256[:16], "same", "3"]]
    assert "2 of 2 images" in done.stdout


def test_distance_and_limit_are_obeyed(project: Project, known: str):
    assert "1 of 3 images" in project.run("similar", known, "--distance", 256, "--limit", 1).stdout


def test_the_contact_sheet_needs_nothing_else(project: Project, known: str):
    done = project.run("similar", known, "--html", "sheet.html")
    assert str(project.folder / "sheet.html") in done.stdout
    page = (project.folder / "sheet.html").read_text(encoding="utf-8")
    assert f"Images like {known}" in page
    assert page.count('"sha256":"') == 2


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("0" * 64, 2, "is not allowed: the SHA-256 of an image in the catalog"),
        ("nothing.jpg", 1, "No such file"),
        (str(ROOT / "README.md"), 1, "not_an_image"),
        (str(ROOT / "demo/sources/seagull.svg"), 1, "was not decoded"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(project: Project, known: str, name: str, code: int, said: str):
    done = project.run("similar", name)
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [(), ("a", "b"), ("a", "--distance", 257), ("a", "--limit", 0)])
def test_wrong_usage_is_refused(project: Project, words: tuple[object, ...]):
    assert project.run("similar", *words).returncode == 2


def test_a_catalog_that_is_not_there_is_an_error(project: Project):
    done = project.run("similar", Path(PHOTOGRAPH))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
