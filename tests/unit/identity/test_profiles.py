from __future__ import annotations

import pytest

from image_spider.identity.client_hints import brands, client_hints
from image_spider.identity.profiles import Browser, profile_of
from tests.unit.identity.captures import CHROME, FIREFOX, SAFARI

CHROME_ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 Mobile Safari/537.36"
)
FIREFOX_ANDROID = "Mozilla/5.0 (Android 16; Mobile; rv:156.0) Gecko/156.0 Firefox/156.0"
EDGE = CHROME.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64") + " Edg/150.0.0.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/26.6.1 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        (CHROME, (Browser.CHROME, 150, "Linux", False)),
        (CHROME.replace("X11; Linux x86_64", "X11; CrOS x86_64 14541.0.0"), (Browser.CHROME, 150, "Chrome OS", False)),
        (CHROME_ANDROID, (Browser.CHROME_ANDROID, 154, "Android", True)),
        (CHROME_ANDROID.replace(" Mobile", ""), (Browser.CHROME_ANDROID, 154, "Android", False)),
        (EDGE, (Browser.EDGE, 150, "Windows", False)),
        (FIREFOX, (Browser.FIREFOX, 140, "Linux", False)),
        (FIREFOX_ANDROID, (Browser.FIREFOX_ANDROID, 156, "Android", True)),
        (SAFARI, (Browser.SAFARI, 27, "macOS", False)),
        (IPHONE, (Browser.SAFARI_IOS, 26, "iOS", True)),
    ],
)
def test_a_user_agent_tells_browser_version_and_system(user_agent: str, told: tuple[object, ...]):
    profile = profile_of(user_agent)
    assert (profile.browser, profile.major, profile.platform, profile.mobile) == told


@pytest.mark.parametrize(
    "user_agent",
    [
        "image_spider/1.0",
        CHROME.replace("Chrome", "HeadlessChrome"),
        CHROME + " OPR/130.0.0.0",
        CHROME.replace("150.0.0.0", "150.0.7871.100"),
        EDGE.replace("Edg/150", "Edg/149"),
        FIREFOX.replace("rv:140", "rv:139"),
        IPHONE.replace("Version/26.6.1", "CriOS/154.0.8037.55"),
        CHROME + "\n",
        CHROME.replace("150", "１５０"),
    ],
)
def test_what_no_known_browser_sends_is_given_no_browsers_headers(user_agent: str):
    profile = profile_of(user_agent)
    assert profile.browser is Browser.OTHER
    assert client_hints(profile) == {}


@pytest.mark.parametrize(
    ("major", "brand", "value"),
    [  # as they were sent, by Google's and Microsoft's builds
        (124, "Google Chrome", '"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"'),
        (131, "Google Chrome", '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"'),
        (138, "Google Chrome", '"Not)A;Brand";v="8", "Chromium";v="138", "Google Chrome";v="138"'),
        (139, "Google Chrome", '"Not;A=Brand";v="99", "Google Chrome";v="139", "Chromium";v="139"'),
        (141, "Google Chrome", '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"'),
        (149, "Microsoft Edge", '"Microsoft Edge";v="149", "Chromium";v="149", "Not)A;Brand";v="24"'),
        (150, "Google Chrome", '"Not;A=Brand";v="8", "Chromium";v="150", "Google Chrome";v="150"'),
    ],
)
def test_the_brands_are_those_that_the_versions_of_chromium_sent(major: int, brand: str, value: str):
    assert brands(major, brand) == value


def test_hints_are_those_of_chromiums_browsers_alone_and_fit_the_user_agent():
    assert client_hints(profile_of(CHROME_ANDROID)) == {
        "Sec-Ch-Ua": '"Chromium";v="154", "Google Chrome";v="154", "Not A(Brand";v="99"',
        "Sec-Ch-Ua-Mobile": "?1",
        "Sec-Ch-Ua-Platform": '"Android"',
    }
    assert "Microsoft Edge" in client_hints(profile_of(EDGE))["Sec-Ch-Ua"]
    assert [client_hints(profile_of(other)) for other in (FIREFOX, SAFARI, IPHONE)] == [{}, {}, {}]
