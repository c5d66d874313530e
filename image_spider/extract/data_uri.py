"""Images written into the page itself as `data:` URIs."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_HEAD = re.compile(r"\s*+data:\s*+(image/[a-z0-9][a-z0-9.+-]*+)\s*+([^,#]*+),", re.IGNORECASE)
_BASE64 = re.compile(r";[ ]*base64[ ]*\Z", re.IGNORECASE)
_SPACE = b" \t\n\f\r"
_CHARACTERS_PER_BYTE = 4  # base64 whose every character is percent-encoded
_ROOM_FOR_HEAD = 1024  # characters of the media type with its parameters, and of white space


@dataclass(frozen=True, slots=True)
class DataImage:
    """The bytes of a `data:` URI and its media type, for example image/png."""

    media_type: str
    data: bytes

    @property
    def url(self) -> str:
        """Name the image by its content, short enough for a table: `data:<media type>;sha256=<hex>`."""
        return f"data:{self.media_type};sha256={hashlib.sha256(self.data).hexdigest()}"


def is_data_uri(reference: str) -> bool:
    """Say whether a reference is a `data:` URI of any kind."""
    return reference[:64].lstrip()[:5].lower() == "data:"


def decode_data_uri(reference: str, *, max_bytes: int) -> DataImage | None:
    """Decode a `data:` URI that holds an image of at most max_bytes bytes; None for any other.

    Source: the "data: URL processor", https://fetch.spec.whatwg.org/#data-urls, a fragment included: an unescaped
    `#` in an inline SVG cuts it, as it does in a browser. Only the padding of base64 is read more leniently.
    """
    if len(reference) > max_bytes * _CHARACTERS_PER_BYTE + _ROOM_FOR_HEAD:
        return None
    head = _HEAD.match(reference)
    if not head:
        return None
    body, _, _ = reference[head.end() :].partition("#")
    data = unquote_to_bytes(body.encode("utf-8", "replace"))
    if _BASE64.search(head[2]):
        data = _decode_base64(data)
    return DataImage(head[1].lower(), data) if 0 < len(data) <= max_bytes else None


def _decode_base64(text: bytes) -> bytes:
    """Decode base64 with white space and with or without padding; broken text gives no bytes."""
    text = text.translate(None, _SPACE).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""
