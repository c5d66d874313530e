"""A taxonomy: the topics there are, and the words that say them, as a YAML file tells."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, ValidationError, model_validator

from image_spider.exceptions import UsageError

NAME_CHARACTERS = 64  # of a topic: the column's width
_SETTING = "TAXONOMY"
# The one in C is eight times as fast (18 ms); a PyYAML that was built without it lacks the name.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _word(value: str) -> str:
    if not re.search(r"[^\W\d_]", value) or re.search(r"\d", value):
        raise ValueError(f"{value!r}: letters, and no digits, which only separate words")
    return value


Words = tuple[Annotated[StrictStr, AfterValidator(_word)], ...]


class TopicWords(BaseModel):
    """The words of one topic; the head of `taxonomy.yaml` says what each list is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: Words = ()
    words: Words = ()
    weak: Words = ()
    verbs: Words = ()

    @model_validator(mode="after")
    def _each_word_once(self) -> TopicWords:
        counts = Counter(word.casefold() for word in chain(self.words, self.weak, self.verbs))
        if twice := [word for word, count in counts.items() if count > 1]:
            raise ValueError(f"{twice[0]!r} stands there twice")
        if not counts:
            raise ValueError("a topic needs words")
        return self


class Taxonomy(BaseModel):
    """Topics by name, and phrases that say nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: dict[Annotated[StrictStr, Field(min_length=1, max_length=NAME_CHARACTERS)], TopicWords] = Field(
        min_length=1
    )
    ignore: Words = ()

    @model_validator(mode="after")
    def _each_name_once(self) -> Taxonomy:
        owners: dict[str, str] = {}
        for topic, words in self.topics.items():
            for name in {topic.casefold(), *(name.casefold() for name in words.names)}:
                if owner := owners.get(name):
                    raise ValueError(f"{name!r} is a name of both {owner} and {topic}")
                owners[name] = topic
        return self


def load_taxonomy(path: str | Path | None = None) -> Taxonomy:
    """Read the taxonomy of this file, or without one the project's own; raise UsageError that names what is wrong."""
    if path is None:
        text = files("image_spider.topics").joinpath("taxonomy.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise UsageError(_SETTING, path, f"a readable text file ({_one_line(error)})") from error
    try:
        return Taxonomy.model_validate(yaml.load(text, _LOADER))  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError as error:
        raise UsageError(_SETTING, path, f"a YAML file ({_one_line(error)})") from error
    except ValidationError as error:
        raise UsageError(_SETTING, path, _first(error.errors()[0])) from None


def _first(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    hint = " (in quotes)" if isinstance(error["input"], bool) else ""
    return f"{place}: {message}{hint}" if place else message + hint


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
