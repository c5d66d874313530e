"""`scrapy reclassify` as a process."""

from __future__ import annotations

from image_spider.imaging.rules import RULES_VERSION
from tests.images import a_png
from tests.project import Project
from tests.sites import Site

CLASSES = "select sha256, blurry, dark, grayscale, low_information, quality, content, rules_version from images"


def test_classes_of_other_rules_become_those_of_a_crawl_though_the_files_are_gone(project: Project):
    with Site({"/": '<img src="/a.png"><img src="/b.png">', "/a.png": a_png(1), "/b.png": a_png(2)}) as site:
        project.crawl(site.url)
    crawled = project.rows(CLASSES)
    project.rows("update images set rules_version = 0, dark = not dark, content = 'photo', quality = 0.123")
    for path in project.files():
        (project.data / "images" / path).unlink()
    done = project.run("reclassify")
    assert (done.returncode, done.stdout) == (0, f"2 images reclassified by rules version {RULES_VERSION}\n")
    assert project.rows(CLASSES) == crawled
    assert project.run("reclassify").stdout.startswith("0 images")


def test_without_a_catalog_or_with_arguments_it_is_refused(project: Project):
    done = project.run("reclassify")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert project.run("reclassify", "all").returncode == 2
