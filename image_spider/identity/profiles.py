"""A browser as its User-Agent tells it: which one, its version, its system. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Browser(StrEnum):
    """The browsers whose other headers we know; OTHER is whatever a user's own list holds besides."""

    CHROME = "chrome"
    CHROME_ANDROID = "chrome_android"
    EDGE = "edge"
    FIREFOX = "firefox"
    FIREFOX_ANDROID = "firefox_android"
    SAFARI = "safari"
    SAFARI_IOS = "safari_ios"
    OTHER = "other"


# Only the forms that current browsers send: since "User-Agent reduction" Chrome, Edge and Firefox tell no more than
# their major version and a frozen system. Whatever differs is another program, and gets no browser's headers.
_BLINK = r"AppleWebKit/537\.36 \(KHTML, like Gecko\) Chrome/(\d+)\.0\.0\.0"
_WEBKIT = r"AppleWebKit/605\.1\.15 \(KHTML, like Gecko\) Version/(\d+)\.[\d.]+"
_DESKTOP = r"(Windows NT 10\.0; Win64; x64|Macintosh; Intel Mac OS X 10_15_7|X11; (?:CrOS|Linux) x86_64[ .\d]*)"
_GECKO_DESKTOP = r"(Windows NT 10\.0; Win64; x64|Macintosh; Intel Mac OS X 10\.15|X11; (?:Ubuntu; )?Linux x86_64)"
_FORMS = {
    Browser.CHROME: rf"\({_DESKTOP}\) {_BLINK} Safari/537\.36",
    Browser.CHROME_ANDROID: rf"\((Linux; Android 10; K)\) {_BLINK}(?: Mobile)? Safari/537\.36",
    Browser.EDGE: rf"\({_DESKTOP}\) {_BLINK} Safari/537\.36 Edg/\2\.[\d.]+",
    Browser.FIREFOX: rf"\({_GECKO_DESKTOP}; rv:(\d+)\.0\) Gecko/20100101 Firefox/\2\.0",
    Browser.FIREFOX_ANDROID: r"\((Android \d+); (?:Mobile|Tablet); rv:(\d+)\.0\) Gecko/\2\.0 Firefox/\2\.0",
    Browser.SAFARI: rf"\((Macintosh; Intel Mac OS X 10_15_7)\) {_WEBKIT} Safari/605\.1\.15",
    Browser.SAFARI_IOS: rf"\((iPhone; CPU iPhone OS [\d_]+ like Mac OS X)\) {_WEBKIT} Mobile/15E148 Safari/604\.1",
}
_BROWSERS = {browser: re.compile(rf"Mozilla/5\.0 {form}", re.ASCII) for browser, form in _FORMS.items()}
# The names of Sec-CH-UA-Platform: https://wicg.github.io/ua-client-hints/#sec-ch-ua-platform
_PLATFORMS = (
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("iPhone", "iOS"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One browser on one system; share is its part of the traffic, in any unit that its list keeps to."""

    user_agent: str
    browser: Browser
    major: int  # 0 for OTHER
    platform: str  # empty for OTHER
    mobile: bool
    share: float = 1.0


def profile_of(user_agent: str, share: float = 1.0) -> Profile:
    """Read a User-Agent; one that no current browser sends is OTHER."""
    for browser, form in _BROWSERS.items():
        if found := form.fullmatch(user_agent):
            system, major = found[1], int(found[2])
            platform = next(name for mark, name in _PLATFORMS if mark in system)
            mobile = platform in ("iOS", "Android") and ("Mobile" in user_agent)
            return Profile(user_agent, browser, major, platform, mobile, share)
    return Profile(user_agent, Browser.OTHER, 0, "", mobile=False, share=share)
