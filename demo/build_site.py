"""Write demo/site/ and demo/expected.json from the sources and the page templates.

Only maintainers run this, with `python -m demo.build_site`: it needs Pillow, and another version of an encoder writes
other bytes, so what it makes is committed and the SHA-256 in expected.json stay as they are.

The truth in expected.json is what this program knows because it made the files; no crawler is asked.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from string import Template
from typing import Any

from demo.damaged import damaged, odd
from demo.graphics import camera_in_the_page, graphics
from demo.media import Media
from demo.photographs import photographs
from image_spider import causes

HERE = Path(__file__).parent
PAGES, SITE, EXPECTED = HERE / "pages", HERE / "site", HERE / "expected.json"

HEADER = """<header>
<a href="/"><img src="/media/logo.svg" alt="Far and Near, magazine of photography" width="180" height="48"></a>
<nav><a href="/gallery/">Gallery</a> <a href="/travel.html">Travel</a> <a href="/blog/">Blog</a>
<a href="/shop/">Shop</a> <a href="/icons.html">Icons</a> <a href="/about.html">About</a></nav>
</header>"""
FOOTER = "<footer>&copy; Far and Near, a magazine that does not exist.</footer>"
ENCODINGS = {"china.html": "gb2312", "russian.html": "windows-1251"}
DEPTHS = {
    "/": 0,
    "/gallery/": 1, "/travel.html": 1, "/blog/": 1, "/shop/": 1, "/icons.html": 1, "/about.html": 1, "/broken.html": 1,
    "/gallery/mountains.html": 2, "/gallery/animals.html": 2, "/gallery/space.html": 2, "/china.html": 2,
    "/russian.html": 2, "/blog/first-light.html": 2, "/blog/mistakes.html": 2, "/shop/fig-bowl.html": 2,
    "/messy.html": 2, "/nul.html": 2,
    "/gallery/deep-field.html": 3, "/blog/first-light.amp.html": 3, "/blog/archive/2019.html": 3,
}  # fmt: skip
FORBIDDEN = ["/private/minutes.html", "/private/team.jpg"]
PAGE_FAILURES = {
    "/go/round.html": causes.REDIRECTS,
    "/missing.html": causes.STATUS,
    "/private/minutes.html": causes.ROBOTS,
    "/server-error.html": causes.STATUS,
}
SERVED_FAILURES = {  # these have no file: the routes of demo/routes.py make them
    "/broken/missing.jpg": causes.STATUS,
    "/broken/server-error.jpg": causes.STATUS,
    "/broken/short.jpg": causes.DATA_LOSS,
    "/go/ftp": causes.STATUS,  # Scrapy hands on a redirect that does not lead to http: a plain 302
    "/go/local-file": causes.STATUS,
    "/go/round-image": causes.REDIRECTS,
    "/private/team.jpg": causes.ROBOTS,
}
HIDDEN = "/media/hidden-"  # stands on the page that only the sitemap names
PRICE_LIST = b"%PDF-1.4\n% Far and Near: the espresso cup is 18 euro, the fig bowl 42.\n%%EOF\n"


def main() -> None:
    """Build the whole site anew."""
    shutil.rmtree(SITE, ignore_errors=True)
    pictures = [*photographs(), *graphics(), *odd()]
    failures = damaged()
    for picture in pictures:
        if picture.path:
            _write(picture.path, picture.body)
    for failure in failures:
        _write(failure.path, failure.body)
    _write("/media/shop/price-list.pdf", PRICE_LIST)
    _write_pages()
    truth = _truth(pictures, {failure.path: failure.cause for failure in failures} | SERVED_FAILURES)
    EXPECTED.write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file())
    print(f"{len(truth['images'])} images, {len(truth['failures'])} failures, {size / 1e6:.2f} MB in {SITE.name}/")


def _write(path: str, body: bytes) -> None:
    file = SITE / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def _write_pages() -> None:
    """Fill the templates and write each page in the encoding that it declares; copy what is no page."""
    camera = "data:image/png;base64," + base64.b64encode(camera_in_the_page().body).decode()
    for file in sorted(PAGES.rglob("*")):
        name = file.relative_to(PAGES).as_posix()
        if file.suffix == ".html":
            template = Template(file.read_text(encoding="utf-8"))
            text = template.substitute(header=HEADER, footer=FOOTER, camera=camera, nul="\0")
            _write(name, text.encode(ENCODINGS.get(name, "utf-8")))
        elif file.is_file():
            _write(name, file.read_bytes())


def _truth(pictures: list[Media], failures: dict[str, str]) -> dict[str, Any]:
    """Return what a crawl from / with max_depth >= 3 must find; `sitemap` holds what only the sitemap adds."""
    kept = {picture.url: _facts(picture) for picture in pictures if not picture.alternative}
    return {
        "images": {url: facts for url, facts in kept.items() if not url.startswith((HIDDEN, "/private/"))},
        "failures": failures,
        "page_failures": PAGE_FAILURES,
        "forbidden": FORBIDDEN,
        "pages": DEPTHS,
        "sitemap": {
            "pages": ["/hidden/contact-sheet.html"],
            "images": {url: facts for url, facts in kept.items() if url.startswith(HIDDEN)},
        },
    }


def _facts(picture: Media) -> dict[str, Any]:
    return {
        "sha256": picture.sha256,
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "frames": picture.frames,
        "integrity": picture.integrity,
    }


if __name__ == "__main__":
    main()
