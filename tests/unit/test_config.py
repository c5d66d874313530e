from pathlib import Path

import pytest

from image_spider import config
from image_spider.exceptions import UsageError


def test_defaults_lie_below_the_data_directory():
    settings = config.load({"DATA_DIR": "/somewhere"})
    assert settings.DATABASE_URL == "sqlite:////somewhere/catalog.sqlite3"
    assert settings.IMAGES_STORE == "/somewhere/images"


def test_the_environment_wins_over_the_yaml_file(tmp_path: Path):
    file = tmp_path / "spider.yaml"
    file.write_text("HOST_CONCURRENCY: 7\nHOST_DELAY_SECONDS: 2\n")
    settings = config.load({"IMAGE_SPIDER_CONFIG": str(file), "HOST_DELAY_SECONDS": "0.5"})
    assert (settings.HOST_CONCURRENCY, settings.HOST_DELAY_SECONDS) == (7, 0.5)


def test_an_empty_value_is_no_value():
    assert config.load({"HOST_CONCURRENCY": ""}).HOST_CONCURRENCY == 4


def test_a_configuration_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        config.load({}).HOST_CONCURRENCY = 1


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("DATABASE_URL", "mysql://db", "sqlite:/// or postgresql://"),
        ("IMAGES_STORE", "ftp://elsewhere/x", "a folder of this machine"),
        ("HOST_CONCURRENCY", "0", "greater than or equal to 1"),
        ("HOST_DELAY_SECONDS", "soon", "valid number"),
        ("CONTACT_URL", "me", "mailto:"),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_allowed(key: str, value: str, allowed: str):
    with pytest.raises(UsageError) as refusal:
        config.load({key: value})
    assert str(refusal.value).startswith(f"{key}={value!r} is not allowed: ")
    assert allowed in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_key_of_the_yaml_file_is_refused_with_the_keys_there_are(tmp_path: Path):
    file = tmp_path / "spider.yaml"
    file.write_text("HOST_DELAYS: 3\n")
    with pytest.raises(UsageError, match=r"HOST_DELAYS='3' is not allowed: the keys are .*HOST_DELAY_SECONDS"):
        config.load({"IMAGE_SPIDER_CONFIG": str(file)})


@pytest.mark.parametrize("text", ["- a\n- b\n", "key: [", "\x00"])
def test_a_broken_yaml_file_is_refused_by_name(tmp_path: Path, text: str):
    file = tmp_path / "spider.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"IMAGE_SPIDER_CONFIG=.*spider\.yaml"):
        config.load({"IMAGE_SPIDER_CONFIG": str(file)})


def test_a_missing_yaml_file_is_refused_by_name():
    with pytest.raises(UsageError, match=r"IMAGE_SPIDER_CONFIG='/no/such/file'"):
        config.load({"IMAGE_SPIDER_CONFIG": "/no/such/file"})
