"""URLs of kinds that never end, told from the URL alone: pure.

A trap is a site, hostile or careless, that makes new URLs as fast as they are followed. What tells one:

- a group of path segments three times in a row: a relative link that is resolved against itself (Heritrix'
  PathologicalPathDecideRule, maxRepetitions 2; Nutch's URL filter), for numbers four times: /11/11/11/ is a date
- more than 30 path segments (Heritrix' TooManyPathSegmentsDecideRule says 20), more than 40 parameters, a parameter
  three times with one value, a name with more than 10 values: filters that a shop adds and never takes off
- a host of more than 10 labels: a name server that knows every name below its own
- an escaped percent sign escaped twice more: a link that is quoted anew by each page
- a day or month of a calendar in the year after next or later, or, where the URL calls itself a calendar, 30 years ago:
  "next month" leads there in the end
- more than max_depth links from the start URL (Heritrix' TooManyHopsDecideRule says 20; galleries have longer chains)

What it cannot tell, because each URL looks well (random words, pages of pages), is bounded by HOST_MAX_PAGES.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from image_spider.urls import MAX_URL_CHARACTERS

if TYPE_CHECKING:
    from image_spider.config import Config

MAX_SEGMENTS = 30
MAX_LABELS = 10
MAX_PARAMETERS = 40
MAX_EQUAL_PARAMETERS = 2
MAX_VALUES = 10
YEARS_AHEAD = 1
YEARS_BACK = 30

_QUOTED_AGAIN = re.compile(r"%25(?:25)+", re.IGNORECASE)
# 2031/05, 2031-05-17, 203105: a year and a month that nothing but separators part, and no further digit beside them.
_DATE = re.compile(
    r"(?<![0-9a-f])([12][0-9]{3})(?:([-/_.])(?:0?[1-9]|1[0-2])(?:\2(?:0?[1-9]|[12][0-9]|3[01]))?)(?![0-9a-f-])"
)
_COMPACT_DATE = re.compile(r"[=/]([12][0-9]{3})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])?(?=[/&]|\Z)")
_YEAR = re.compile(r"(?:^|&)(?:year|jahr|annee|ano|yr|y|cal_?y\w*)=([12][0-9]{3})(?=&|\Z)", re.IGNORECASE)
_MONTH = re.compile(r"(?:^|&)(?:month|monat|mois|mes|mon|m|cal_?m\w*)=[01]?[0-9](?=&|\Z)", re.IGNORECASE)
_CALENDAR = re.compile(
    r"(?<![a-z])(?:calend[ae]r|kalender|cal|agenda|events?|month|day|termine|veranstaltung)", re.IGNORECASE
)

# Names that frameworks give their sessions, and values that look like one: hexadecimal or random letters and digits.
_PATH_SESSION = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/?;#]*|/\((?:[SXFA]\([^)/]*\))+\)(?=/)", re.IGNORECASE)
_SURE = r"jsessionid|phpsessid|aspsessionid[a-z]*|cfid|cftoken|oscsid|zenid|xtcsid|__?session_?id"
_LIKELY = r"s|sid|sess|session|session_?id|sessid|sesskey|sessionkey"
_RANDOM = r"(?=[0-9a-z-]*[0-9])(?=[0-9a-z-]*[a-z])[0-9a-z-]{16,128}"
_SESSION = re.compile(rf"(?:{_SURE})=.*|(?:{_LIKELY})={_RANDOM}", re.IGNORECASE | re.DOTALL)
_HAS_SESSION = re.compile(rf"(?:^|&)(?:{_SURE}|{_LIKELY})=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrapRules:
    """The limits that a user may set; this_year comes from the clock. Off, only max_characters holds."""

    this_year: int
    max_depth: int = 200  # 0: no limit
    max_characters: int = MAX_URL_CHARACTERS
    on: bool = True

    @classmethod
    def of(cls, settings: Config, *, this_year: int) -> Self:
        """Return the rules of a configuration."""
        return cls(
            this_year=this_year,
            max_depth=settings.TRAP_MAX_DEPTH,
            max_characters=settings.URL_MAX_CHARACTERS,
            on=settings.TRAPS == "refuse",
        )

    def trap(self, url: str, *, depth: int = 0) -> str:
        """Return why a page that is so many links from its start URL is a trap, or nothing."""
        if reason := self.too_long(url):
            return reason
        if not self.on:
            return ""
        if depth > self.max_depth > 0:
            return f"it is {depth} links from the start URL"
        parts = urlsplit(url)
        if parts.netloc.count(".") >= MAX_LABELS:
            return f"its host has more than {MAX_LABELS} labels"
        return _path_trap(parts.path) or _query_trap(parts.query) or _date_trap(parts.path, parts.query, self.this_year)

    def too_long(self, url: str) -> str:
        """Return why a URL of any kind is too long, or nothing."""
        if len(url) <= self.max_characters:
            return ""
        return f"the URL has {len(url):,} characters, more than {self.max_characters:,}"

    def link(self, url: str) -> str:
        """Return the URL by which a link is followed."""
        return without_session(url) if self.on else url


def without_session(url: str) -> str:
    """Return a URL without the session ids in it: pages that differ by these alone are one page.

    A site that answers only with a session redirects to a URL that has one, and that one is fetched as it is.
    """
    head, question, query = url.partition("?")
    if ";" in head or "/(" in head:
        head = _PATH_SESSION.sub("", head)
    if _HAS_SESSION.search(query):
        query = "&".join(part for part in query.split("&") if not _SESSION.fullmatch(part))
        question = "?" if query else ""
    return f"{head}{question}{query}"


def _path_trap(path: str) -> str:
    if _QUOTED_AGAIN.search(path):
        return "its path is percent-encoded again and again"
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > MAX_SEGMENTS:
        return f"its path has {len(segments)} segments, more than {MAX_SEGMENTS}"
    for length in range(1, len(segments) // 3 + 1):
        run = 0  # how many segments in a row equal the one that stands a group before
        for index in range(length, len(segments)):
            run = run + 1 if segments[index] == segments[index - length] else 0
            group = segments[index - length + 1 : index + 1]
            if run >= (3 if all(map(str.isdigit, group)) else 2) * length:
                return f"/{'/'.join(group)}/ repeats itself in its path"
    return ""


def _query_trap(query: str) -> str:
    if not query:
        return ""
    if _QUOTED_AGAIN.search(query):
        return "its query is percent-encoded again and again"
    parameters = query.split("&")
    if len(parameters) <= MAX_EQUAL_PARAMETERS:
        return ""
    if len(parameters) > MAX_PARAMETERS:
        return f"its query has {len(parameters)} parameters, more than {MAX_PARAMETERS}"
    names = [parameter.partition("=")[0] for parameter in parameters]
    for parameter, name in zip(parameters, names, strict=True):
        if parameter and parameters.count(parameter) > MAX_EQUAL_PARAMETERS:
            return f"{parameter[:100]} repeats itself in its query"
        if names.count(name) > MAX_VALUES:
            return f"its query has more than {MAX_VALUES} values of {name[:100]}"
    return ""


def _date_trap(path: str, query: str, this_year: int) -> str:
    """Tell a calendar by its dates; a year alone may be a number, and old dates may be those of an archive."""
    text = f"{path}?{query}"
    dates = [found[1] for pattern in (_DATE, _COMPACT_DATE) for found in pattern.finditer(text)]
    if (year := _YEAR.search(query)) and _MONTH.search(query):
        dates.append(year[1])
    for date in map(int, dates):
        if date > this_year + YEARS_AHEAD:
            return f"a calendar that has come to {date}"
        if date < this_year - YEARS_BACK and _CALENDAR.search(text):
            return f"a calendar that has gone back to {date}"
    return ""
