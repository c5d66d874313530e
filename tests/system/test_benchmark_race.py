from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.contestants import Ours, Stock
from benchmarks.gallery import Gallery
from benchmarks.race import measure
from benchmarks.web_server import WebServer, find_nginx
from tests.waiting import wait_until


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    with Gallery(12, megapixels=0.05, per_page=6) as gallery:
        yield gallery


def test_two_workers_take_a_gallery_once_and_tell_how_late_their_loop_was(gallery: Gallery, tmp_path: Path):
    file = tmp_path / "lag.json"
    settings = {"LOOP_LAG_FILE": file, "IMAGES_PROCESSES": 1}
    ours = Ours(name="ours", workers=2, settings=settings, settings_module="benchmarks.images.settings")
    run = measure(ours, gallery, tmp_path)
    assert run.rate > 0
    assert run.child_ms > 0
    lag = json.loads(file.read_text(encoding="utf-8"))
    assert lag["max_ms"] >= lag["p99_ms"] >= lag["p50_ms"] >= 0


def test_a_run_that_leaves_an_image_out_is_no_result(gallery: Gallery, tmp_path: Path):
    gallery.images += 1
    with pytest.raises(SystemExit, match="stock: 12 images stored of 13, 12 requests for them"):
        measure(Stock("stock"), gallery, tmp_path)


@pytest.mark.parametrize("nginx", sorted({None, find_nginx()}, key=str))
def test_the_web_server_notes_when_each_file_was_asked_for(nginx: str | None, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"\xff" * 100_000)
    (tmp_path / "b.html").write_text("b")
    with WebServer(tmp_path, nginx=nginx) as server:
        assert [_size(f"{server.url}{name}") for name in ("a.jpg", "b.html", "a.jpg")] == [100_000, 1, 100_000]
        first, second = wait_until(lambda: len(found := server.requests("/a")) == 2 and found)
        assert second - 60 < first <= second
        server.forget()
        _size(f"{server.url}a.jpg")
        wait_until(lambda: len(server.requests("/")) == 1)


def _size(url: str) -> int:
    with urllib.request.urlopen(url) as answer:
        return len(answer.read())
