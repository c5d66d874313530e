"""A crawl with a label model of its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.project import Project
from tests.sites import Site
from tests.unit.topics.onnx_models import beside, mean_colour

RED, BLUE = (250, 5, 5), (5, 5, 250)
HOME = '<img src="/1.png"><img src="/2.png" alt="A red door"><img src="/3.png"><a href="/more">More</a>'


def png(colour: tuple[int, int, int], width: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, 64), colour).save(file, "PNG")
    return file.getvalue()


PAGES = {"/": HOME, "/more": '<img src="/4.png">', "/1.png": png(RED, 64), "/2.png": png(BLUE, 65)}
PAGES |= {"/3.png": png(BLUE, 66), "/4.png": png(RED, 67)}


@pytest.fixture
def model(project: Project) -> Path:
    path = mean_colour(project.folder / "colours.onnx")
    beside(path)
    return path


def stored(project: Project) -> set[str]:
    query = "select distinct image_url from sightings where image_sha256 is not null"
    return {url.rpartition("/")[2] for (url,) in project.rows(query)}


def refused(project: Project) -> dict[str, str]:
    query = "select image_url, cause from failures where image_url is not null"
    return {url.rpartition("/")[2]: cause for url, cause in project.rows(query)}


def test_the_topics_and_the_name_of_the_model_are_recorded(project: Project, model: Path):
    with Site(PAGES) as site:
        done = project.crawl(site.url, LABEL_MODEL=str(model))
    assert done.returncode == 0, done.stderr
    told = project.rows(
        "select width, topic, label_model from topics join images on sha256 = image_sha256 where source = 'model'"
    )
    assert {(width, topic) for width, topic, _ in told} == {(64, "red"), (65, "blue"), (66, "blue"), (67, "red")}
    assert all(name.startswith("colours") for _, _, name in told)


def test_categories_keep_what_model_or_words_tell_and_a_second_run_changes_nothing(project: Project, model: Path):
    for _ in range(2):
        with Site(PAGES) as site:
            done = project.crawl(site.url, "-a", "categories=red", "-a", "crawl_id=c", LABEL_MODEL=str(model))
        assert done.returncode == 0, done.stderr
        assert stored(project) == {"1.png", "2.png", "4.png"}
        assert refused(project) == {"3.png": "topic"}
        assert len(project.files()) == 3
        project.assert_files_and_rows_agree()


def test_images_of_a_crawl_without_a_model_are_shown_to_one_that_comes_later(project: Project, model: Path):
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><g/></svg>'
    pages = PAGES | {"/": HOME + '<img src="/5.svg" alt="A red line">', "/5.svg": drawing}
    with Site(pages) as site:
        project.crawl(site.url)
        assert stored(project) == {"1.png", "2.png", "3.png", "4.png", "5.svg"}
        for times in (2, 2):  # the second time the model has seen all that it can see
            done = project.crawl(site.url, "-a", "categories=red", "-a", "crawl_id=c", LABEL_MODEL=str(model))
            assert done.returncode == 0, done.stderr
            query = "select distinct image_url from sightings where image_sha256 is not null and crawl_id = 'c'"
            found = {url.rpartition("/")[2] for (url,) in project.rows(query)}
            assert found == {"1.png", "2.png", "4.png", "5.svg"}
            assert refused(project) == {"3.png": "topic"}
            asked = [str(request) for request in site.requests]
            assert sum("/1.png" in request for request in asked) == times
            assert sum("/5.svg" in request for request in asked) == 1


def test_a_refusal_for_the_words_of_one_page_is_not_one_for_the_words_of_another(project: Project, model: Path):
    more = '<img src="/3.png" alt="A red gate">'
    with Site(PAGES | {"/more": more}) as site:
        project.crawl(site.url, "-a", "categories=red", LABEL_MODEL=str(model))
    rows = project.rows("select page_url from sightings where image_url like '%/3.png'")
    assert [url.rpartition("/")[2] for (url,) in rows] == ["more"]
    assert project.rows("select cause from failures where page_url not like '%/more'") == [("topic",)]


def test_a_model_that_cannot_be_used_is_refused_at_the_start(project: Project):
    with Site(PAGES) as site:
        done = project.crawl(site.url, LABEL_MODEL="nothing.onnx")
        assert site.requests == []
    assert done.returncode == 2
    assert "LABEL_MODEL='nothing.onnx' is not allowed" in done.stderr
