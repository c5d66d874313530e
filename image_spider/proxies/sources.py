"""Where the list of proxies stands: in the environment or in a file, which is read anew when it changes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from image_spider.exceptions import UsageError
from image_spider.proxies.config import ProxySettings
from image_spider.proxies.proxy import Proxy, read_list

logger = logging.getLogger(__name__)


class Source(Protocol):
    """A list of proxies that may change."""

    def read(self) -> tuple[Proxy, ...]:
        """Return the proxies; raises UsageError when there is no list."""

    def changed(self) -> tuple[Proxy, ...] | None:
        """Return the proxies when they are not those of the last call; None otherwise."""


class ListSource:
    """PROXY_LIST."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> tuple[Proxy, ...]:
        """Return the proxies of the setting."""
        return _some(read_list(self._text, setting="PROXY_LIST"), setting="PROXY_LIST", value="")

    def changed(self) -> tuple[Proxy, ...] | None:
        """Return None: an environment does not change."""
        return None


class FileSource:
    """PROXY_FILE: one proxy a line. An empty or broken file that was good before is told once and not taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None

    def read(self) -> tuple[Proxy, ...]:
        """Return the proxies of the file."""
        try:
            self._stamp = self._now()
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UsageError("PROXY_FILE", self._path, f"a file that can be read ({reason})") from None
        return _some(read_list(text, setting=f"PROXY_FILE {self._path}"), setting="PROXY_FILE", value=str(self._path))

    def changed(self) -> tuple[Proxy, ...] | None:
        """Return the proxies of a file that was written since."""
        try:
            if self._now() == self._stamp:
                return None
            return self.read()
        except OSError:
            return None  # it is being replaced
        except UsageError as error:
            logger.warning("The proxies stay as they were: %s", error)
            return None

    def _now(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino


def list_source(settings: ProxySettings) -> Source | None:
    """Return where the list stands; None when that is Redis, or nowhere."""
    if settings.PROXIES == "file":
        return FileSource(settings.PROXY_FILE)
    return ListSource(settings.PROXY_LIST) if settings.PROXIES == "env" else None


def _some(proxies: tuple[Proxy, ...], *, setting: str, value: str) -> tuple[Proxy, ...]:
    if not proxies:
        raise UsageError(setting, value, "at least one proxy, SCHEME://USER:PASSWORD@HOST:PORT")
    return proxies
