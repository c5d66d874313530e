import math
import re
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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db/images",
        "postgresql://me:p%40ss@db-1.example:5432/images",
        "postgresql://me:p@[::1]:5432,10.0.0.2/images?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem",
    ],
)
def test_a_postgresql_url_may_name_several_hosts(url: str):
    assert url == config.load({"DATABASE_URL": url}).DATABASE_URL


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 30),
        ({"DATABASE_URL": "postgresql://db/images"}, 30),
        ({"REDIS_URL": "redis://r"}, 30),
        ({"REDIS_URL": "redis://r", "DATABASE_URL": "postgresql://db/images"}, math.inf),
        ({"REDIS_URL": "redis://r", "DATABASE_URL": "postgresql://db/images", "CATALOG_RETRY_SECONDS": "7"}, 7),
    ],
)
def test_a_fleet_waits_for_its_postgresql_without_end(environment: dict[str, str], seconds: float):
    assert seconds == config.load(environment).CATALOG_RETRY_SECONDS


def test_a_home_folder_is_found():
    assert str(Path.home() / "pictures/images") == config.load({"DATA_DIR": "~/pictures"}).IMAGES_STORE


def test_a_dotenv_file_in_another_encoding_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_bytes("DATA_DIR=caf\xe9\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"\.env=.* is not allowed: text in UTF-8"):
        config.load()


def test_an_empty_value_is_no_value():
    assert config.load({"HOST_CONCURRENCY": ""}).HOST_CONCURRENCY == 4


def test_a_configuration_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        config.load({}).HOST_CONCURRENCY = 1


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("PATRONI_URLS", "h1:8008", "http://USER:PASSWORD@HOST:PORT"),
        ("PATRONI_URLS", "http://h1:8008/cluster", "http://USER:PASSWORD@HOST:PORT"),
        ("DATABASE_URL", "mysql://db", "sqlite:///FILE or postgresql://USER"),
        ("DATABASE_URL", "sqlite:///", "sqlite:///FILE"),
        ("DATABASE_URL", "sqlite:///:memory:", "sqlite:///FILE"),
        ("DATABASE_URL", "postgresql://host:port/db", "HOST:PORT"),
        ("DATABASE_URL", "postgresql://host", "NAME"),
        ("HOST_DELAY_SECONDS", "inf", "finite"),
        ("IMAGES_EXPIRES", "800000", "less than or equal to 36500"),
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


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("DATABASE_URL", "postgresql://me:ge/heim@host/db"),
        ("DATABASE_URL", "postgresql://me:ge@heim@host:port/db"),
        ("DATABASE_URL", "postgresql://me@host:port/db?password=ge/heim&sslpassword=geheim"),
        ("DATABASE_URL", "host=db user=me password=geheim"),
        ("REDIS_URL", "redis://:ge/heim@host"),
        ("PATRONI_URLS", "http://me:ge,heim@one:8008,http://me:geheim@two:8008/cluster"),
        ("DATABASE", "postgresql://me:geheim@host/db"),
    ],
)
def test_a_refused_url_is_told_without_its_password(key: str, url: str):
    with pytest.raises(UsageError, match=rf"{key}='.*\*\*\*.*' is not allowed") as refusal:
        config.check({key: url})
    assert not re.search("ge.?heim|ge@", str(refusal.value))


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
