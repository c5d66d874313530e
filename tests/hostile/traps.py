"""Sites without an end: each page links to pages that nobody has seen."""

from __future__ import annotations

import hashlib
import itertools

from tests.hostile.site import Answer, Visit

_numbers = itertools.count(1)


def _links(*urls: str) -> str:
    return "".join(f'<a href="{url}">on</a>' for url in urls)


def _tail(visit: Visit) -> int:
    return int(visit.path.rsplit("/", 1)[-1] or 0)


def _session(visit: Visit) -> str:
    return hashlib.md5(str(next(_numbers)).encode()).hexdigest()


def _calendar(pattern: str, *, step: int) -> Answer:
    """Link to the next month, or the one before: the number of the month is the last number of the query."""

    def answer(visit: Visit) -> None:
        number = int(visit.path.partition("n=")[2] or 2026 * 12 + 10)
        year, month = divmod(number + step, 12)
        visit.whole(_links(f"/{visit.name}/{pattern.format(year=year, month=month + 1)}n={number + step}"))

    return answer


def _with(visit: Visit, parameter: str) -> str:
    return f"{visit.path}{'&' if '?' in visit.path else '?'}{parameter}"


def _page(text: object) -> Answer:
    return lambda visit: visit.whole(text(visit))  # type: ignore[operator]


# name -> (answer, most requests for it, with HOST_MAX_PAGES 60, TRAP_MAX_DEPTH 50, URL_MAX_CHARACTERS 1500)
TRAPS: dict[str, tuple[Answer, int]] = {
    "relative": (_page(lambda _: _links("deeper/", "deeper/down/")), 60),
    "appended": (_page(lambda visit: _links(f"{visit.path}more/")), 4),
    "segments": (_page(lambda visit: _links(f"{visit.path}s{next(_numbers)}/")), 30),
    "future": (_calendar("{year}/{month:02}/?", step=1), 30),
    "future-days": (_calendar("day-{year}-{month:02}-01?", step=1), 30),
    "future-query": (_calendar("?year={year}&month={month}&", step=1), 30),
    "calendar": (_calendar("{year}/{month:02}/?", step=-12), 40),
    "session": (
        _page(lambda visit: _links(*(f"/session/{page};jsessionid={_session(visit)}" for page in "abcde"))),
        6,
    ),
    "session-query": (
        _page(lambda visit: _links(*(f"/session-query/{page}?PHPSESSID={_session(visit)}" for page in "abcde"))),
        6,
    ),
    "session-value": (_page(lambda visit: _links(f"/session-value/x?sid={_session(visit)}&p=1")), 2),
    "session-path": (_page(lambda visit: _links(f"/session-path/(S({_session(visit)}))/x")), 2),
    "filters": (_page(lambda visit: _links(_with(visit, f"f={next(_numbers)}"))), 11),
    "equal-filters": (_page(lambda visit: _links(_with(visit, "f=1"))), 3),
    "many-filters": (_page(lambda visit: _links(_with(visit, f"f{next(_numbers)}=1"))), 41),
    "quoted": (_page(lambda visit: _links(f"/quoted/?next={visit.path.replace('%', '%25').replace('?', '%3f')}")), 5),
    "long": (_page(lambda visit: _links(f"{visit.path}{'x' * 400}")), 6),
    "chain": (_page(lambda visit: _links(f"/chain/{_tail(visit) + 1}")), 51),
    "words": (_page(lambda _: _links(*(f"/words/{next(_numbers)}" for _ in range(50)))), 60),
    "counting": (_page(lambda _: _links(*(f"/counting/?p={next(_numbers)}" for _ in range(20)))), 60),
    "redirecting": (lambda visit: visit.redirect(f"/redirecting/{next(_numbers)}"), 11),
}
