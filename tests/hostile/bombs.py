"""Answers that cost a client more than they cost the site: each with the causes that it may end in."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib

import brotli

from tests.hostile.site import BLOCK, Answer, Visit
from tests.images import a_png

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEGABYTE = 1024 * 1024
ZEROS = b"<p>" + b"0" * (16 * MEGABYTE)


def packed(encodings: str, body: bytes) -> Answer:
    """Return an answer with a body that is sent as it is."""
    return lambda visit: visit.whole(body, Content_Encoding=encodings)


def _broken_head(data: bytes) -> Answer:
    return lambda visit: visit.send(data)


def _huge(visit: Visit) -> None:
    visit.head(Content_Length=10**12)
    visit.for_ever(BLOCK)


def _huge_in_chunks(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    visit.for_ever(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))


def _huge_until_closed(visit: Visit) -> None:
    visit.head()
    visit.for_ever(BLOCK)


def _drip(visit: Visit) -> None:
    visit.head(Content_Length=10**6)
    visit.for_ever(b".", pause=0.05)


def _drip_in_chunks(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    visit.for_ever(b"1\r\n.\r\n", pause=0.05)


def _drip_of_head(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.for_ever(b"X-Drip: drip\r\n", pause=0.05)


def _wordy_chunks(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    visit.for_ever(b"1;" + b"x" * 8000 + b"\r\n.\r\n")


def _endless_head(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.for_ever(b"X-Header: " + b"x" * 1000 + b"\r\n")


def _endless_header(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nX-Header: ")
    visit.for_ever(BLOCK.replace(b"<", b"x"))


def _endless_hints(visit: Visit) -> None:
    visit.for_ever(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)


def _png_of(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    real = a_png(1)
    return real[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + real[33:]


def _image(body: bytes, **headers: object) -> Answer:
    return lambda visit: visit.whole(body, Content_Type="image/png", **headers)


def _dripping_image(visit: Visit) -> None:
    visit.head(Content_Type="image/png", Content_Length=10**6)
    visit.for_ever(b"\x89", pause=0.05)


def _twice(pack: object, body: bytes) -> bytes:
    return pack(pack(body))  # type: ignore[operator]


CUT = {"connection", "data_loss", "timeout", "too_large", "bad_url"}
# Pages; those whose causes are empty are read, cheaply.
PAGES: dict[str, tuple[Answer, set[str]]] = {
    "huge": (_huge, {"too_large"}),
    "huge-in-chunks": (_huge_in_chunks, {"too_large", "timeout"}),
    "huge-until-closed": (_huge_until_closed, {"too_large", "timeout"}),
    "drip": (_drip, {"timeout"}),
    "drip-in-chunks": (_drip_in_chunks, {"timeout"}),
    "drip-of-head": (_drip_of_head, CUT),
    "silence": (lambda visit: visit.wait(), {"timeout"}),
    "wordy-chunks": (_wordy_chunks, {"too_large", "timeout"}),
    "endless-head": (_endless_head, CUT),
    "endless-header": (_endless_header, CUT),
    "endless-hints": (_endless_hints, CUT),
    "gzip": (packed("gzip", gzip.compress(ZEROS, 9)), {"bomb"}),
    "deflate": (packed("deflate", zlib.compress(ZEROS, 9)), {"bomb"}),
    "brotli": (packed("br", brotli.compress(ZEROS, quality=5)), {"bomb"}),
    "zstd": (packed("zstd", zstd.compress(ZEROS)), {"bomb"}),
    "gzip-twice": (packed("gzip, gzip", _twice(gzip.compress, ZEROS)), {"bomb"}),
    "brotli-in-gzip": (packed("br, gzip", gzip.compress(brotli.compress(ZEROS, quality=5))), {"bomb"}),
    "six-times": (packed(", ".join(["gzip"] * 6), b"whatever"), {"bomb"}),
    "large-once-unpacked": (packed("gzip", gzip.compress(bytes(range(256)) * 36_000, 0)), {"too_large"}),
    "no-gzip": (packed("gzip", b"this is not gzip" * 100), {"corrupt"}),
    "half-gzip": (packed("gzip", gzip.compress(ZEROS[:9000])[:30]), {""}),
    "no-brotli": (packed("br", b"this is not brotli" * 100), {"corrupt"}),
    "no-zstd": (packed("zstd", b"this is not zstd" * 100), {"corrupt"}),
    "unknown-packing": (packed("lzma, x", b"what is this"), {""}),
    "short": (lambda visit: (visit.head(Content_Length=9999), visit.send(b"<p>half"))[0], {"data_loss"}),
    "no-http": (_broken_head(b"220 mail.example ESMTP\r\n"), CUT),
    "bytes": (_broken_head(bytes(range(256)) * 64), CUT),
    "minus-one-byte": (_broken_head(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n<p>x"), CUT),
    "endless-chunk": (
        _broken_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
        CUT,
    ),
    "two-lengths": (_broken_head(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n<p>x"), CUT),
    "circle": (lambda visit: visit.redirect("/circle"), {""}),  # the filter knows it
    "pair": (lambda visit: visit.redirect("/pair/b" if visit.path.endswith("/a") else "/pair/a"), {""}),
    "spiral": (lambda visit: visit.redirect(f"{visit.path}?x"), {"redirects", "trap"}),
    "deep-redirect": (lambda visit: visit.redirect(f"{visit.path}/again"), {"trap", "redirects"}),
    "long-redirect": (lambda visit: visit.redirect("/x?" + "x" * 3000), {"trap"}),
    "refreshing": (
        lambda visit: visit.whole(f'<meta http-equiv="refresh" content="0;url={visit.path}?x">'),
        {"redirects", "trap"},
    ),
    "to-file": (lambda visit: visit.redirect("file:///etc/passwd"), {"status"}),
    "to-gopher": (lambda visit: visit.redirect("gopher://127.0.0.1:6379/_FLUSHALL"), {"status"}),
    "many-tags": (lambda visit: visit.whole("<p>" * 500_000), {""}),
    "many-nested": (lambda visit: visit.whole("<div><b>" * 200_000), {""}),
    "many-attributes": (lambda visit: visit.whole("<p " + " ".join(f"a{n}=1" for n in range(100_000))), {""}),
}
IMAGES: dict[str, tuple[Answer, set[str]]] = {
    "image-of-pixels": (_image(_png_of(60_000, 60_000)), {"bomb"}),
    "image-in-gzip": (
        _image(gzip.compress(a_png(1) + bytes(64 * MEGABYTE), 9), Content_Encoding="gzip"),
        {"bomb", "too_large"},
    ),
    "image-huge": (_huge, {"too_large"}),
    "image-drip": (_dripping_image, {"timeout"}),
    "image-circle": (lambda visit: visit.redirect("/image-circle"), {"redirects"}),
    "image-long": (lambda visit: visit.redirect("/x?" + "x" * 3000), {"trap"}),
}
