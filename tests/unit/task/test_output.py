from __future__ import annotations

import csv
import json
import resource
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from image_spider.exceptions import StoreError, UsageError
from image_spider.fields import Field
from image_spider.items import Candidate, Duplicate, Image, ImageItem, Topic
from image_spider.task.completion import MAX_ITEMS_BYTES, Outcome, completion_body
from image_spider.task.output import Output
from image_spider.task.records import IMAGE_COLUMNS, PageRecord, image_record, page_columns, page_record

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
COLUMNS = {"page": page_columns([Field(name="title"), Field(name="links", every=True)]), "image": IMAGE_COLUMNS}
PAGES = [
    page_record(
        PageRecord(url="https://a.example/", crawled_at=AT, values={"title": 'A "b",\nc', "links": ["x", "y"]})
    ),
    page_record(PageRecord(url="https://a.example/2", crawled_at=AT, values={"title": None, "links": []})),
]
ITEM = ImageItem(
    Candidate("https://a.example/i.png", "img", alt="A lamp"),
    "https://a.example/",
    "A",
    "e1",
    AT,
    topics=(Topic("light", 0.5, "words"),),
    image=Image("ab" * 32, "ab/ab/x.png", "png", 4, 3, 99, 1, 1, "icon", "landscape", "ok"),
    duplicate=Duplicate("cd" * 32, "near", 40, larger=False),
)


def written(folder: Path, file_format: str) -> Output:
    output = Output(folder=folder, file_format=file_format, columns=COLUMNS)
    output.open()
    output.write([("page", PAGES[0]), ("image", image_record(ITEM))])
    output.write([("page", PAGES[1])])
    return output


def test_records_are_lines_of_json_while_the_task_runs_and_files_under_their_names_at_its_end(tmp_path: Path):
    output = written(tmp_path, "jsonl")
    assert {path.name for path in tmp_path.iterdir()} == {"pages.jsonl.partial", "images.jsonl.partial"}
    lines = (tmp_path / "pages.jsonl.partial").read_text().splitlines()
    assert [json.loads(line) for line in lines] == PAGES
    assert output.finish() == [tmp_path / "pages.jsonl", tmp_path / "images.jsonl"]
    assert {path.name for path in tmp_path.iterdir()} == {"pages.jsonl", "images.jsonl"}
    assert output.count == 3
    assert [(item["item"], item.get("url") or item.get("image_url")) for item in output.first] == [
        ("page", "https://a.example/"),
        ("image", "https://a.example/i.png"),
        ("page", "https://a.example/2"),
    ]


def test_csv_has_a_header_and_a_column_for_each_field(tmp_path: Path):
    written(tmp_path, "csv").finish()
    assert {path.name for path in tmp_path.iterdir()} == {"pages.csv", "images.csv"}
    with (tmp_path / "pages.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"url": "https://a.example/", "crawled_at": AT.isoformat(), "title": 'A "b",\nc', "links": '["x", "y"]'},
        {"url": "https://a.example/2", "crawled_at": AT.isoformat(), "title": "", "links": "[]"},
    ]


def test_parquet_has_types(tmp_path: Path):
    written(tmp_path, "parquet").finish()
    (page, _), (image,) = (parquet.read_table(tmp_path / f"{kind}s.parquet").to_pylist() for kind in COLUMNS)
    assert page == {"url": "https://a.example/", "crawled_at": AT, "title": 'A "b",\nc', "links": ["x", "y"]}
    assert image["bytes"] == 99
    assert image["topics"] == ["light"]
    assert (image["quality"], image["duplicate_kind"], image["crawled_at"]) == (None, "near", AT)
    assert image.keys() == IMAGE_COLUMNS.keys()


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_a_task_without_results_writes_empty_files(tmp_path: Path, file_format: str):
    output = Output(folder=tmp_path, file_format=file_format, columns=COLUMNS)
    output.open()
    assert [path.stat().st_size > 0 for path in output.finish()] == [file_format != "jsonl"] * 2


def test_a_folder_that_cannot_be_written_is_refused_at_once():
    with pytest.raises(UsageError, match="OUTPUT_DIR='/dev/null/output' is not allowed: a folder that can be written"):
        Output(folder=Path("/dev/null/output"), file_format="jsonl", columns=COLUMNS).open()


def test_a_disk_that_is_full_is_an_error_that_says_so(tmp_path: Path):
    (tmp_path / "pages.jsonl.partial").symlink_to("/dev/full")
    output = Output(folder=tmp_path, file_format="jsonl", columns=COLUMNS)
    output.open()
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        output.write([("page", PAGES[0])])
    assert output.count == 0
    with pytest.raises(StoreError):
        output.finish()


def test_what_fits_on_the_disk_is_whole_lines(tmp_path: Path):
    output = Output(folder=tmp_path, file_format="csv", columns=COLUMNS)
    output.open()
    output.write([("page", PAGES[0])])
    size = (tmp_path / "pages.jsonl.partial").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))  # Python ignores its signal
    try:
        with pytest.raises(StoreError, match="File too large"):
            output.write([("page", PAGES[1])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    output.finish()
    assert (tmp_path / "pages.csv").read_text().count("https://") == 1


def test_parquet_without_its_library_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="pip install"):
        Output(folder=tmp_path, file_format="parquet", columns=COLUMNS).open()


def test_a_completion_holds_the_first_hundred_items_and_the_number_of_all():
    body = _completion([{"item": "page", "url": str(number)} for number in range(150)])
    assert [item["url"] for item in body["data_items"]] == [str(number) for number in range(100)]
    assert body["total_data_count"] == 150


def test_a_completion_holds_fewer_items_when_they_are_large():
    data_items = _completion([{"text": "x" * 400_000}] * 5)["data_items"]
    assert len(data_items) == 2
    assert len(json.dumps(data_items)) <= MAX_ITEMS_BYTES


def _completion(items: list[dict[str, object]]):
    outcome = Outcome(status="failed", error_message="why", exit_code=1)
    body = completion_body(
        execution_id="e1", container_id="c1", outcome=outcome, summary={"a": 1}, items=items, total=len(items)
    )
    assert body.keys() == {"execution_id", "container_id", "success", "result_data", "error_message"}
    assert (body["success"], body["error_message"]) == (False, "why")
    assert body["result_data"].keys() == {"crawl_summary", "data_items", "total_data_count"}
    return body["result_data"]


def test_records_hold_no_credentials_of_their_urls():
    page = page_record(PageRecord(url="https://me:secret@a.example/", crawled_at=AT))
    candidate = replace(ITEM.candidate, url="https://me:secret@a.example/i.png")
    image = image_record(replace(ITEM, candidate=candidate, page_url="https://me:secret@a.example/"))
    assert "secret" not in json.dumps([page, image])
    assert (page["url"], image["image_url"]) == ("https://a.example/", "https://a.example/i.png")
