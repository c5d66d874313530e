"""Sites of pages that are links and nothing else: a URL per line, each page within reach of page 0."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FIRST_LINKS = 64  # of page 0, as of a home page: the crawl is at full speed at once
STEPS = (7, 101, 977)  # a page's other links: to pages that others link to as well


def links(page: int, pages: int) -> list[int]:
    """Return the pages that a page links to: every page but 0 is linked to by one page before it, and by others."""
    if page == 0:
        return list(range(1, min(pages, FIRST_LINKS + 1)))
    children = range(FIRST_LINKS + 2 * page - 1, FIRST_LINKS + 2 * page + 1)
    return [*(child for child in children if child < pages), *((page * step + 1) % pages for step in STEPS)]


def write_site(folder: Path, bases: Iterable[str], pages: int) -> None:
    """Write `pages` pages for each base, a URL without path; host number h has its pages in folder/h/.

    Page 0 of the first host links to page 0 of all, and each page of a host to pages of the same host.
    """
    bases = list(bases)
    for number, base in enumerate(bases):
        own = folder / str(number)
        own.mkdir(parents=True)
        for page in range(pages):
            urls = [url(base, number, to) for to in links(page, pages)]
            if page == number == 0:
                urls += [url(other, place, 0) for place, other in enumerate(bases) if place]
            (own / f"{page}.txt").write_text("\n".join(urls), encoding="ascii")


def url(base: str, number: int, page: int) -> str:
    """Return the URL of a page of host `number`."""
    return f"{base}{number}/{page}.txt"
