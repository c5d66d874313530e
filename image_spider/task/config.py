"""What a container's task is told: its environment, and the JSON file that CONFIG_PATH names."""

from __future__ import annotations

import difflib
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from image_spider.exceptions import UsageError
from image_spider.fields import Field as DataField
from image_spider.fields.field import field_of

MAX_CONFIG_BYTES = 64 * 1024 * 1024  # half a million URLs
PAGE_COLUMNS = ("url", "crawled_at")  # of every page, whatever data_fields asks for
OTHER_NAMES = {"json": "jsonl", "jsonlines": "jsonl", "ndjson": "jsonl"}  # of formats


def _execution_id(value: str) -> str:
    if not re.fullmatch(r"[\w.:-]{1,100}", value, re.ASCII):
        raise ValueError("1 to 100 letters, digits and the characters _ . : -")
    return value


def _api_base_url(value: str) -> str:
    if not re.fullmatch(r"(?:https?://(?:[^@/\s]*@)?[^@/\s?#]+(?:/[^\s?#]*)?)?", value):
        raise ValueError("http://HOST:PORT or https://USER:PASSWORD@HOST/PATH")
    _ = urlsplit(value).port  # raises ValueError for one that is none
    return value.rstrip("/")


class TaskEnvironment(BaseModel):
    """What the container's environment tells of the task; options of the command win over it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    TASK_EXECUTION_ID: Annotated[str, AfterValidator(_execution_id)] = Field(
        description="names this run, in the reports and as the id of its crawl"
    )
    CONFIG_PATH: Path = Field(description="the JSON file of the task")
    API_BASE_URL: Annotated[str, AfterValidator(_api_base_url)] = Field(
        "", description="the API that the task reports to; none: it reports to nobody"
    )
    API_TOKEN: str = Field("", pattern=r"^[\x21-\x7e]*$", description="is sent as Authorization: Bearer")
    HOSTNAME: str = Field(default_factory=socket.gethostname, description="the container_id of the reports")
    OUTPUT_DIR: Path = Field(Path("/app/output"), description="folder of all that the task writes")
    HEARTBEAT_SECONDS: float = Field(30.0, gt=0, le=3600, description="between two heartbeats")
    COMPLETION_SECONDS: float = Field(60.0, gt=0, le=3600, description="for which the completion is tried to be sent")


class Part(BaseModel):
    """A part of the JSON file. null stands for the default; unknown keys are kept aside, to be told."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        return (
            {key: value for key, value in values.items() if value is not None} if isinstance(values, dict) else values
        )


class SelectorPart(Part):
    """A field of data_fields that is written as an object."""

    name: str = ""
    css: str = ""
    xpath: str = ""
    selector: str = ""  # either of them
    attribute: str = ""
    every: bool = Field(False, alias="all")

    def field(self, name: str) -> DataField:
        """Return the field; raises UsageError."""
        if sum(map(bool, (self.css, self.xpath, self.selector))) > 1:
            raise UsageError(f"crawl_config.data_fields.{name}", "", "one of css, xpath and selector, not several")
        guessed = field_of(name, self.selector)
        css, xpath = self.css or guessed.css, self.xpath or guessed.xpath
        if self.attribute and not (css or xpath):
            raise UsageError(f"crawl_config.data_fields.{name}", "", "attribute needs css, xpath or selector")
        return DataField(name=name, css=css, xpath=xpath, attribute=self.attribute, every=self.every)


class CrawlPart(Part):
    """What is crawled, and what is taken of each page."""

    max_pages: int | None = Field(None, ge=1, le=2**31 - 1)
    follow_links: bool = False
    extract_images: bool = True
    data_fields: list[str | SelectorPart] | dict[str, str | SelectorPart | None] = ["title", "description"]

    def fields(self) -> tuple[DataField, ...]:
        """Return the fields, each name once; raises UsageError. url and crawled_at are told of every page."""
        if isinstance(self.data_fields, dict):
            asked = list(self.data_fields.items())
        else:
            asked = [(part, None) if isinstance(part, str) else (part.name, part) for part in self.data_fields]
        found: dict[str, DataField] = {}
        for name, part in asked:
            field = part.field(name) if isinstance(part, SelectorPart) else field_of(name, part or "")
            if name not in PAGE_COLUMNS:
                found[name] = field
            elif field.css or field.xpath:
                raise UsageError(f"crawl_config.data_fields.{name}", "", "another name: this one is the page's own")
            field.check()
        return tuple(found.values())


def _format(value: Any) -> Any:
    return OTHER_NAMES.get(value.lower(), value.lower()) if isinstance(value, str) else value


class OutputPart(Part):
    """How the results are written."""

    format: Annotated[Literal["jsonl", "csv", "parquet"], BeforeValidator(_format)] = "jsonl"
    directory: str = ""  # within OUTPUT_DIR

    def folder(self, output: Path) -> Path:
        """Return the folder of the results; raises UsageError for one outside."""
        folder = (output / self.directory).resolve()
        if not folder.is_relative_to(output.resolve()):
            raise UsageError("output_config.directory", self.directory, f"a folder in {output}")
        return folder


class TaskConfig(Part):
    """The JSON file. timeout and delay are in seconds."""

    task_name: str = ""
    base_url: str = ""
    target_urls: list[str] = []
    user_agent: str = Field("", max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")
    timeout: float | None = Field(None, gt=0, le=86_400)
    delay: float | None = Field(None, ge=0, le=86_400)
    max_retries: int | None = Field(None, ge=0, le=1000)
    output_config: OutputPart = OutputPart()
    crawl_config: CrawlPart = Field(default_factory=lambda: CrawlPart.model_validate({}))

    def unknown_keys(self) -> tuple[str, ...]:
        """Return the keys that nothing reads, each with the one that may be meant."""
        return tuple(_unknown(self, ""))


def read_environment(
    options: Mapping[str, str | None], environment: Mapping[str, str] | None = None
) -> TaskEnvironment:
    """Read the environment of this process, and options by the same names; raises UsageError."""
    values = dict(os.environ if environment is None else environment) | {
        key: text for key, text in options.items() if text
    }
    try:
        return TaskEnvironment.model_validate(
            {key: values[key] for key in TaskEnvironment.model_fields if values.get(key)}
        )
    except ValidationError as error:
        raise _refusal(error, TaskEnvironment) from None


def read_config(path: Path) -> TaskConfig:
    """Read the JSON file; raises UsageError that names the key, its value and what is allowed."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise UsageError("CONFIG_PATH", path, f"a file of at most {MAX_CONFIG_BYTES:,} bytes")
        values = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError("CONFIG_PATH", path, f"a JSON file that can be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError("CONFIG_PATH", path, f"a file of valid JSON in UTF-8 ({error})") from error
    if not isinstance(values, dict):
        raise UsageError("CONFIG_PATH", path, "a JSON object: {...}")
    try:
        return TaskConfig.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, TaskConfig) from None


def _refusal(error: ValidationError, model: type[BaseModel]) -> UsageError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return UsageError(key, "", f"it must be set: {model.model_fields[key].description}")
    allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    shown = re.sub(r"//.*@", "//***@", str(first["input"])[:200]) if key != "API_TOKEN" else "***"
    return UsageError(key, shown, allowed)


def _unknown(part: Part, path: str) -> Iterator[str]:
    known = [field.alias or name for name, field in type(part).model_fields.items()]
    for key in part.model_extra or ():
        meant = difflib.get_close_matches(key, known, n=1)
        yield f"{path}{key}" + (f" (is {path}{meant[0]} meant?)" if meant else "")
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Part):
            yield from _unknown(value, f"{path}{name}.")
        elif isinstance(value, list | dict):
            for place, inner in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(inner, Part):
                    yield from _unknown(inner, f"{path}{name}.{place}.")
