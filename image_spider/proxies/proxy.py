"""A proxy, and how lists of them are written. No error and no repr here shows credentials."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from image_spider.exceptions import UsageError

SCHEMES = ("http", "https", "socks5", "socks5h")
FORM = f"SCHEME://USER:PASSWORD@HOST:PORT, SCHEME one of {', '.join(SCHEMES)}; % before what is special in a URL"
_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+:[0-9a-fA-F:.]*")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and its credentials.

    `name` is what everybody may see. Providers give many sessions on one address, told apart by the user, so six hex
    digits of the user's SHA-256 stand behind it; the password is not in it, so that a new one changes no name.
    """

    name: str
    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """Return the URL without credentials."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """Return the URL with credentials: for Redis alone."""
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.username else ""
        return f"{self.scheme}://{user}{_bracketed(self.host)}:{self.port}"

    @property
    def is_socks(self) -> bool:
        """Tell whether it speaks SOCKS5."""
        return self.scheme.startswith("socks5")

    def tunnels(self, url: str) -> bool:
        """Tell whether it passes on bytes for a URL: then each answer is the site's own word."""
        return self.is_socks or url.startswith("https:")


def parse(text: str) -> Proxy:
    """Read a proxy; without a scheme it is `http`. Raises ValueError, whose message does not repeat the text."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ValueError(FORM) from None
    if parts.scheme not in SCHEMES or not port or not _HOST.fullmatch(host) or parts.path.strip("/"):
        raise ValueError(FORM)
    if parts.query or parts.fragment:
        raise ValueError(FORM)
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme.startswith("socks5") and not _fits_socks(username, password):
        raise ValueError("user and password of a SOCKS5 proxy: both or none, at most 255 ASCII characters (RFC 1929)")
    mark = f"#{hashlib.sha256(username.encode()).hexdigest()[:6]}" if username else ""
    name = f"{parts.scheme}://{_bracketed(host)}:{port}{mark}"
    return Proxy(name, parts.scheme, host, port, username, password)


def read_list(text: str, *, setting: str) -> tuple[Proxy, ...]:
    """Read proxies with white space or commas between them; `#` at the start of a line begins a comment.

    Raises UsageError that names the setting and the line, and not what stands there.
    """
    found: dict[str, Proxy] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        for word in line.replace(",", " ").split():
            try:
                proxy = parse(word)
            except ValueError as error:
                raise UsageError(f"{setting}, line {number}", "***", str(error)) from None
            found[proxy.name] = proxy
    return tuple(found.values())


def _fits_socks(username: str, password: str) -> bool:
    both = bool(username) == bool(password)
    return both and all(len(word) <= 255 and word.isascii() for word in (username, password))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
