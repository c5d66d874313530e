from __future__ import annotations

import pytest

from deploy.user_agents import document, plausible, weigh
from image_spider.identity.profiles import Browser
from tests.unit.identity.captures import CHROME, FIREFOX, SAFARI


def chrome(major: int, system: str = "X11; Linux x86_64") -> str:
    return CHROME.replace("150.0.0.0", f"{major}.0.0.0").replace("X11; Linux x86_64", system)


def counted(*entries: tuple[str, str, float]) -> list[dict[str, object]]:
    return [
        {"userAgent": user_agent, "platform": platform, "weight": weight} for user_agent, platform, weight in entries
    ]


def test_programs_that_pretend_are_left_out():
    entries = counted(
        (chrome(150), "Linux x86_64", 0.2),
        (chrome(150), "Linux x86_64", 0.1),  # another screen, the same string
        (chrome(150, "Windows NT 10.0; Win64; x64"), "Linux x86_64", 0.2),
        (chrome(146), "Linux x86_64", 0.4),
        (chrome(153), "Linux x86_64", 0.001),
        ("Python/3.11", "Linux x86_64", 0.1),
    )
    assert [(profile.user_agent, profile.share) for profile in plausible(entries)] == [
        (chrome(150), pytest.approx(0.3))
    ]


def test_the_strings_of_a_browser_share_what_the_browser_has():
    profiles = plausible(
        counted(
            (chrome(150), "Linux x86_64", 0.3),
            (chrome(149), "Linux x86_64", 0.1),
            (FIREFOX, "Linux x86_64", 0.5),
            (SAFARI, "MacIntel", 0.1),
        )
    )
    shares = {Browser.CHROME: 0.6, Browser.FIREFOX: 0.1, Browser.SAFARI: 0.1}
    assert [(profile.user_agent, profile.share) for profile in weigh(profiles, shares)] == [
        (chrome(150), pytest.approx(0.5625)),
        (chrome(149), pytest.approx(0.1875)),
        (SAFARI, pytest.approx(0.125)),
        (FIREFOX, pytest.approx(0.125)),
    ]


def test_a_string_that_hardly_anybody_has_is_left_out_and_the_rest_adds_up():
    profiles = plausible(counted((chrome(150), "Linux x86_64", 0.9), (chrome(149), "Linux x86_64", 0.0005)))
    (only,) = weigh(profiles, {Browser.CHROME: 0.6})
    assert (only.user_agent, only.share) == (chrome(150), 1)


def test_a_browser_whose_form_has_changed_is_told_and_not_forgotten():
    with pytest.raises(SystemExit, match="no User-Agent of firefox was counted"):
        weigh(plausible(counted((chrome(150), "Linux x86_64", 1))), {Browser.CHROME: 0.6, Browser.FIREFOX: 0.1})


def test_the_date_of_the_list_is_that_of_its_older_source():
    sources = {"one": {"published": "2026-09-29"}, "other": {"published": "2026-08-01"}}
    assert document([], covered=0.93, sources=sources)["date"] == "2026-08-01"
