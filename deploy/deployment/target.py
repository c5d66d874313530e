"""Where to deploy: nodes of scrapy.cfg, of a file, or of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from configparser import Error as ConfigurationError
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from scrapyd_client.utils import get_auth, get_config

PROJECT = "image_spider"
USERNAME, PASSWORD = "SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"  # as Scrapyd itself calls them

UNSET = re.compile(r"\$(\w+|\{\w+\})")  # what is left of a name that the environment does not have


class DeploymentError(Exception):
    """A deployment cannot begin; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A node: `url` ends with a slash and holds no credentials, so it may be shown."""

    name: str
    url: str
    project: str = PROJECT
    username: str = ""
    password: str = field(default="", repr=False)


def configured_targets(names: Sequence[str], *, environment: Mapping[str, str]) -> list[Target]:
    """Return the targets of scrapy.cfg with these names, or all; raises DeploymentError.

    They are the sections `deploy` (called `default`) and `deploy:NAME`, as scrapyd-deploy reads them: $NAMES stand
    for the environment, and a section inherits from `deploy`.
    """
    try:
        configuration = get_config()
        base = dict(configuration.items("deploy")) if configuration.has_section("deploy") else {}
        sections = {"default": base} if "url" in base else {}
        for section in configuration.sections():
            if section.startswith("deploy:"):
                sections[section.removeprefix("deploy:")] = base | dict(configuration.items(section))
    except ConfigurationError as error:
        raise DeploymentError(f"scrapy.cfg cannot be read: {error}") from error
    if unknown := [name for name in names if name not in sections]:
        known = ", ".join(sections) or "none"
        raise DeploymentError(f"scrapy.cfg has no target {', '.join(unknown)}; it has: {known}")
    return [_configured(name, sections[name], environment) for name in names or sections]


def listed_targets(file: Path, *, project: str, environment: Mapping[str, str]) -> list[Target]:
    """Read one URL per line, `#` begins a comment; raises DeploymentError."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DeploymentError(f"the list of nodes {file} cannot be read: {error}") from error
    urls = [line.partition("#")[0].strip() for line in lines]
    return [named_target(url, project=project, environment=environment) for url in urls if url]


def named_target(url: str, *, project: str, environment: Mapping[str, str]) -> Target:
    """Make a target of an URL such as http://user:password@node:6800/; raises DeploymentError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DeploymentError(f"the URL of a node is wrong ({error}): write http://HOST:6800/") from error
    if parts.scheme not in ("http", "https") or not host:
        raise DeploymentError(f"{parts._replace(netloc=host or '').geturl()} is no URL of a node: http://HOST:6800/")
    address = f"[{host}]" if ":" in host else host
    netloc = address if port is None else f"{address}:{port}"
    shown = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + "/", "", ""))
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not username:
        username, password = _credentials(shown, environment)
    return Target(name=netloc, url=shown, project=project, username=username, password=password)


def unique(targets: Iterable[Target]) -> list[Target]:
    """Return the targets without those whose URL and project came before; raises DeploymentError when none is left."""
    found = {(target.url, target.project): target for target in reversed(list(targets))}
    if not found:
        raise DeploymentError("no node to deploy to: name targets of scrapy.cfg, or give --node or --nodes")
    return list(reversed(found.values()))


def _configured(name: str, section: Mapping[str, str], environment: Mapping[str, str]) -> Target:
    if not section.get("url"):
        raise DeploymentError(f"target {name} of scrapy.cfg has no url")
    target = named_target(section["url"], project=section.get("project") or PROJECT, environment=environment)
    username, password = target.username, target.password
    if section.get("username"):
        username, password = section["username"], section.get("password", "")
        if unset := [word for word in (username, password) if UNSET.fullmatch(word)]:
            raise DeploymentError(f"target {name} of scrapy.cfg names {unset[0]}, which the environment does not have")
    return Target(name=name, url=target.url, project=target.project, username=username, password=password)


def _credentials(url: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return user and password of the environment, else those of .netrc, else empty ones."""
    if environment.get(USERNAME):
        return environment[USERNAME], environment.get(PASSWORD, "")
    found = get_auth(url, "", "")
    return (found.username, found.password) if found else ("", "")
