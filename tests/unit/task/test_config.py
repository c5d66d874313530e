from __future__ import annotations

import json
from pathlib import Path

import pytest

from image_spider.exceptions import UsageError
from image_spider.fields import Field
from image_spider.task.config import TaskConfig, read_config, read_environment

ENVIRONMENT = {"TASK_EXECUTION_ID": "e-1", "CONFIG_PATH": "task.json"}


def config_of(folder: Path, values: object) -> TaskConfig:
    path = folder / "task.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return read_config(path)


def test_the_environment_names_the_task_and_options_win_over_it():
    environment = read_environment({"OUTPUT_DIR": "here", "CONFIG_PATH": None}, ENVIRONMENT | {"OUTPUT_DIR": "there"})
    paths = [environment.CONFIG_PATH, environment.OUTPUT_DIR]
    assert paths == [Path("task.json"), Path("here")]
    assert environment.TASK_EXECUTION_ID == "e-1"
    assert environment.API_BASE_URL == ""
    assert environment.HOSTNAME  # this machine's


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"TASK_EXECUTION_ID": ""}, "TASK_EXECUTION_ID='' is not allowed: it must be set: names this run"),
        ({"TASK_EXECUTION_ID": "../x"}, "TASK_EXECUTION_ID='../x' is not allowed: 1 to 100 letters"),
        ({"CONFIG_PATH": ""}, "CONFIG_PATH='' is not allowed: it must be set: the JSON file of the task"),
        ({"API_BASE_URL": "ftp://x"}, "API_BASE_URL='ftp://x' is not allowed: http://HOST:PORT"),
        ({"API_BASE_URL": "http://a:b@x:99999999/"}, "API_BASE_URL='http://***@x:99999999/' is not allowed"),
        ({"API_TOKEN": "a b"}, "API_TOKEN='***' is not allowed"),
        ({"HEARTBEAT_SECONDS": "0"}, "HEARTBEAT_SECONDS='0' is not allowed: greater than 0"),
    ],
)
def test_a_wrong_environment_is_refused_with_its_name_and_without_secrets(values: dict[str, str], message: str):
    with pytest.raises(UsageError) as refused:
        read_environment({}, ENVIRONMENT | values)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{", "a file of valid JSON in UTF-8"),
        ("[" * 100_000, "a file of valid JSON in UTF-8"),
        ("[]", "a JSON object"),
        ({"target_urls": "http://x/"}, "target_urls='http://x/' is not allowed: a valid list"),
        ({"target_urls": [1]}, "target_urls.0='1' is not allowed: a valid string"),
        ({"timeout": -1}, "timeout='-1' is not allowed: greater than 0"),
        ({"delay": "soon"}, "delay='soon' is not allowed: a valid number"),
        ('{"delay": NaN}', "delay='nan' is not allowed: a finite number"),
        ({"user_agent": "a\r\nCookie: b"}, "user_agent='a"),
        ({"crawl_config": {"max_pages": 0}}, "crawl_config.max_pages='0' is not allowed: greater than or equal to 1"),
        ({"crawl_config": {"follow_links": "perhaps"}}, "crawl_config.follow_links='perhaps' is not allowed"),
        ({"output_config": {"format": "xlsx"}}, "output_config.format='xlsx' is not allowed: 'jsonl', 'csv' or"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(tmp_path: Path, values: object, message: str):
    with pytest.raises(UsageError) as refused:
        config_of(tmp_path, values)
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="a JSON file that can be read"):
        read_config(tmp_path / "none.json")


def test_null_stands_for_the_default_and_a_byte_order_mark_is_no_matter(tmp_path: Path):
    read = config_of(tmp_path, "\ufeff" + json.dumps({"delay": None, "crawl_config": None, "target_urls": ["x"]}))
    assert read == TaskConfig(target_urls=["x"])


def test_unknown_keys_are_told_with_those_that_may_be_meant(tmp_path: Path):
    fields = [{"name": "price", "csss": ".p"}]
    read = config_of(tmp_path, {"target_url": [], "x": 1, "crawl_config": {"data_fields": fields, "max_page": 3}})
    assert read.unknown_keys() == (
        "target_url (is target_urls meant?)",
        "x",
        "crawl_config.max_page (is crawl_config.max_pages meant?)",
        "crawl_config.data_fields.0.csss (is crawl_config.data_fields.0.css meant?)",
    )


def test_data_fields_are_a_list_of_names_and_objects_or_a_table_of_selectors(tmp_path: Path):
    listed = [
        "title",
        {"name": "price", "css": ".p", "attribute": "content"},
        {"name": "links", "xpath": "//a", "all": True},
    ]
    table = {"title": None, "price": {"selector": ".p", "attribute": "content"}, "links": {"xpath": "//a", "all": True}}
    wanted = (
        Field(name="title"),
        Field(name="price", css=".p", attribute="content"),
        Field(name="links", xpath="//a", every=True),
    )
    for fields in (listed, table):
        assert config_of(tmp_path, {"crawl_config": {"data_fields": fields}}).crawl_config.fields() == wanted


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([""], "data_fields='' is not allowed: a letter"),
        ([{"css": "p"}], "data_fields='' is not allowed: a letter"),
        ({"price": "p["}, "data_fields.price='p[' is not allowed: a CSS selector"),
        ({"price": {"css": "p", "xpath": "//p"}}, "one of css, xpath and selector"),
        ({"price": {"attribute": "content"}}, "attribute needs css"),
        ({"url": ".link"}, "another name: this one is the page's own"),
    ],
)
def test_a_field_that_cannot_be_used_is_refused(tmp_path: Path, fields: object, message: str):
    read = config_of(tmp_path, {"crawl_config": {"data_fields": fields}})
    with pytest.raises(UsageError) as refused:
        read.crawl_config.fields()
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["JSON", "jsonlines", "ndjson", "jsonl"])
def test_json_lines_have_several_names(tmp_path: Path, name: str):
    assert config_of(tmp_path, {"output_config": {"format": name}}).output_config.format == "jsonl"


@pytest.mark.parametrize("directory", ["..", "/etc", "a/../../b"])
def test_results_stay_in_the_output_folder(tmp_path: Path, directory: str):
    read = config_of(tmp_path, {"output_config": {"directory": directory}}).output_config
    with pytest.raises(UsageError, match="a folder in"):
        read.folder(tmp_path)


def test_results_may_have_a_folder_of_their_own_in_it(tmp_path: Path):
    for directory in ("run-1", str(tmp_path / "run-1")):
        read = config_of(tmp_path, {"output_config": {"directory": directory}}).output_config
        assert read.folder(tmp_path) == tmp_path / "run-1"
