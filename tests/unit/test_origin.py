"""An egg that is not the code that would run is found out."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from scrapy.settings import Settings

from image_spider.exceptions import ShadowedEgg
from image_spider.extensions.provenance import describe_code, describe_settings
from image_spider.origin import PACKAGES, find_origin


def an_egg(path: Path, *, packages: tuple[str, ...] = PACKAGES) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Name: image_spider\n")
        for package in packages:
            archive.writestr(f"{package}/__init__.py", "")
    return path


def a_folder(path: Path, *packages: str) -> Path:
    for package in packages:
        (path / package).mkdir(parents=True)
        (path / package / "__init__.py").touch()
    return path


@pytest.fixture
def egg(tmp_path: Path) -> Path:
    return an_egg(tmp_path / "1.egg")


def test_an_egg_at_the_end_of_the_path_is_found_with_its_sha256(tmp_path: Path, egg: Path):
    origin = find_origin([str(a_folder(tmp_path / "site-packages", "scrapy")), str(egg)])
    assert (origin.root, origin.is_egg) == (egg, True)
    assert origin.sha256() == hashlib.sha256(egg.read_bytes()).hexdigest()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_before_the_egg_is_refused_by_name_and_place(tmp_path: Path, egg: Path, package: str):
    other = a_folder(tmp_path / "site-packages", package)
    with pytest.raises(ShadowedEgg, match=rf"{egg} is shadowed: the package {package} comes from {other}, .*uninstall"):
        find_origin([str(other), str(egg)])


def test_a_whole_copy_of_the_project_before_the_egg_is_refused(tmp_path: Path, egg: Path):
    checkout = a_folder(tmp_path / "checkout", *PACKAGES)
    with pytest.raises(ShadowedEgg, match=f"the egg {egg} is shadowed: the package image_spider comes from {checkout}"):
        find_origin([str(checkout), str(egg)])


def test_a_copy_after_the_egg_does_no_harm(tmp_path: Path, egg: Path):
    assert find_origin([str(egg), str(a_folder(tmp_path / "checkout", *PACKAGES))]).root == egg


def test_another_egg_of_the_project_before_the_deployed_one_is_refused(tmp_path: Path, egg: Path):
    with pytest.raises(ShadowedEgg, match=r"2\.egg is shadowed"):
        find_origin([str(egg), str(an_egg(tmp_path / "2.egg"))])


def test_a_module_that_is_called_like_a_package_is_refused(tmp_path: Path, egg: Path):
    folder = a_folder(tmp_path / "work")
    folder.mkdir()
    (folder / "pipelines.py").touch()
    with pytest.raises(ShadowedEgg, match=f"the package pipelines comes from {folder},"):
        find_origin([str(folder), str(egg)])


def test_a_folder_without_code_before_the_egg_wins_nothing(tmp_path: Path, egg: Path):
    (tmp_path / "work/pipelines").mkdir(parents=True)
    assert find_origin([str(tmp_path / "work"), str(egg)]).root == egg


def test_a_checkout_whose_pipelines_come_from_elsewhere_is_refused_too(tmp_path: Path):
    other = a_folder(tmp_path / "site-packages", "pipelines")
    checkout = a_folder(tmp_path / "checkout", *PACKAGES)
    with pytest.raises(ShadowedEgg, match=f"the project in {checkout} is shadowed"):
        find_origin([str(other), str(checkout)])


def test_the_egg_is_named_with_its_sha256(egg: Path):
    assert describe_code([str(egg)]) == f"the egg {egg}, SHA-256 {find_origin([str(egg)]).sha256()}"


def test_settings_are_told_by_name_and_place_and_never_by_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("DATA_DIR=x\nREDIS_URL=redis://secret@h\nHOST_CONCURRENCY=3\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("IMAGES_EXPIRES: 7\nREDIS_URL: redis://other\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_SPIDER_CONFIG", "mine.yaml")
    monkeypatch.setenv("DATA_DIR", "secret")
    monkeypatch.setenv("HOST_CONCURRENCY", "")  # as good as not set, and hides the line of .env
    settings = Settings({"HOST_CONCURRENCY": 4, "DATA_DIR": "secret", "REDIS_URL": "x", "IMAGES_EXPIRES": 7})
    settings.set("LOG_FILE", "logs/secret", priority="cmdline")
    told = describe_settings(settings)
    assert told.split("; ")[1:] == [
        f"REDIS_URL by {tmp_path}/.env",
        f"IMAGES_EXPIRES by {tmp_path}/mine.yaml",
        "LOG_FILE by the command line or the spider",
        "DATA_DIR by the environment",
    ]
    assert told.startswith("image_spider.settings (/")
    assert "secret" not in told
