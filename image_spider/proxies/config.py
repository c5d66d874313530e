"""The settings of the proxy pool: a part of Config, read by image_spider/config.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from image_spider.proxies.answers import AnswerRules
from image_spider.proxies.bans import BanRules
from image_spider.proxies.pool import PoolRules
from image_spider.proxies.strategies import Strategy

# What Cloudflare, Google and many shops send a client to that they take for a robot.
REDIRECT = r"captcha|/cdn-cgi/challenge|/sorry/|/challenge\b"
# Titles of the pages of Cloudflare (two), Akamai, Imperva, DataDome and PerimeterX.
BODY = (
    r"<title>\s*(?:Just a moment\.\.\.|Attention Required! \| Cloudflare|Access Denied|Pardon Our Interruption"
    r"|Access to this page has been denied)"
)


NONE = "none"  # an empty value is no value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None
    return value


def _statuses(value: str) -> str:
    if value != NONE and not re.fullmatch(r"[1-5]\d\d(?:,[1-5]\d\d)*", value.replace(" ", "")):
        raise ValueError("statuses of HTTP with commas between them, for example 403,429; or none")
    return value.replace(" ", "")


def _probe_url(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("a URL that starts with http:// or https://")
    return value


class ProxySettings(BaseModel):
    """What a user may set of proxies."""

    PROXIES: Literal["", "file", "env", "redis"] = Field("", description="where the list of proxies stands")
    PROXY_FILE: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("proxies.txt"), description="with PROXIES=file: one proxy a line, read anew when it changes"
    )
    PROXY_LIST: str = Field("", description="with PROXIES=env: the proxies, with spaces or commas between them")
    PROXY_STRATEGY: Strategy = Field("weighted", description="which of the proxies that may be used is taken")
    PROXY_STICKY_SECONDS: float = Field(0.0, ge=0, description="a host keeps its proxy so long; 0: no longer than once")
    PROXY_TRIES: int = Field(3, ge=1, le=100, description="proxies that a request is tried through")
    PROXY_FALLBACK: Literal["wait", "fail", "direct"] = Field(
        "wait", description="what a request does when no proxy may be used"
    )
    PROXY_WAIT_SECONDS: float = Field(60.0, ge=0, description="how long it waits")
    PROXY_CONNECT_SECONDS: float = Field(10.0, gt=0, description="for a connection through a proxy")
    PROXY_FAILURES: int = Field(5, ge=1, description="in a row, until a proxy rests for all hosts")
    PROXY_BAN_STATUSES: Annotated[str, AfterValidator(_statuses)] = Field(
        "403,429", description="statuses by which a host bans a proxy"
    )
    PROXY_BAN_REDIRECT: Annotated[str, AfterValidator(_pattern)] = Field(
        REDIRECT, description="what is found in the target of a redirect by which a host bans a proxy"
    )
    PROXY_BAN_BODY: Annotated[str, AfterValidator(_pattern)] = Field(
        BODY, description="what is found in a page by which a host bans a proxy"
    )
    PROXY_BAN_IMAGE_TYPES: str = Field("", description="content types that count as a ban when an image was asked for")
    PROXY_BAN_SECONDS: float = Field(60.0, gt=0, description="how long the first ban rests a proxy")
    PROXY_BAN_MAX_SECONDS: float = Field(3600.0, gt=0, description="the longest rest; each one is twice the last")
    PROXY_PROBE_SECONDS: float = Field(30.0, ge=0, description="between probes of a proxy that rests; 0: none")
    PROXY_PROBE_URL: Annotated[str, AfterValidator(_probe_url)] = Field(
        "", description="what probes ask for; none: they only connect to the proxy"
    )


def pool_rules(settings: ProxySettings) -> PoolRules:
    """Return how the pool chooses and bans."""
    longest = max(settings.PROXY_BAN_SECONDS, settings.PROXY_BAN_MAX_SECONDS)
    return PoolRules(
        strategy=settings.PROXY_STRATEGY,
        sticky_seconds=settings.PROXY_STICKY_SECONDS,
        failures=settings.PROXY_FAILURES,
        bans=BanRules(first=settings.PROXY_BAN_SECONDS, longest=longest),
    )


def answer_rules(settings: ProxySettings) -> AnswerRules:
    """Return what counts as a ban."""
    return AnswerRules(
        statuses=frozenset(int(word) for word in settings.PROXY_BAN_STATUSES.split(",") if word != NONE),
        redirect=_compiled(settings.PROXY_BAN_REDIRECT),
        body=_compiled(settings.PROXY_BAN_BODY),
        image_types=frozenset(
            word.lower() for word in settings.PROXY_BAN_IMAGE_TYPES.replace(",", " ").split() if word
        ),
    )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    return None if pattern == NONE else re.compile(pattern, re.IGNORECASE)
