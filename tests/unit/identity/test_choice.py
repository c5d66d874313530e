from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from image_spider.identity.choice import choose
from image_spider.identity.faces import Faces
from image_spider.identity.profiles import Profile, profile_of
from image_spider.identity.user_agents import load_user_agents
from tests.project import ROOT

SITES = [f"site-{number}.example" for number in range(20_000)]


def listed() -> tuple[Profile, ...]:
    return load_user_agents("rotate").profiles


def faces() -> Faces:
    return Faces(listed(), languages=["en"], decodable=["gzip"])


def test_profiles_are_chosen_in_proportion_to_their_shares():
    profiles = [profile_of("half", 50), profile_of("third", 30), profile_of("fifth", 20)]
    chosen = Counter(choose(profiles, site=site, proxy="").user_agent for site in SITES)
    assert [chosen[name] / len(SITES) for name in ("half", "third", "fifth")] == pytest.approx(
        [0.5, 0.3, 0.2], abs=0.015
    )


def test_the_order_of_the_list_changes_nothing():
    profiles = listed()
    for site in SITES[:200]:
        assert choose(profiles, site=site, proxy="") == choose(profiles[::-1], site=site, proxy="")


def test_a_profile_that_goes_changes_the_face_of_its_own_sites_alone():
    profiles = listed()
    gone, rest = profiles[1], [profile for profile in profiles if profile != profiles[1]]
    for site in SITES[:2000]:
        before = choose(profiles, site=site, proxy="")
        assert before == gone or choose(rest, site=site, proxy="") == before


def test_another_process_chooses_the_same():
    code = (
        "from image_spider.identity.choice import choose\n"
        "from image_spider.identity.user_agents import load_user_agents\n"
        "profiles = load_user_agents('rotate').profiles\n"
        "for number in range(50): print(choose(profiles, site=f'site-{number}.example', proxy='http://p:1').user_agent)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        choose(listed(), site=site, proxy="http://p:1").user_agent for site in SITES[:50]
    ]


def test_the_hosts_of_a_site_see_one_browser_and_another_proxy_is_another_person():
    seen = faces()
    one = {seen.profile(host, "") for host in ("shop.example.com", "img.example.com", "example.com")}
    assert len(one) == 1
    assert len({seen.profile("example.com", f"http://proxy-{number}:3128") for number in range(40)}) > 3
    assert len({seen.profile(f"10.0.0.{number}", "") for number in range(40)}) > 3
    assert len({seen.profile(f"fd00::{number}", "") for number in range(40)}) > 3


def test_a_host_has_one_user_agent_for_pages_and_images():
    headers = [
        dict(
            faces().headers(
                f"{scheme}://shop.example.com/a",
                host="shop.example.com",
                destination=kind,
                referrer=referrer,
                proxy="",
            )
        )
        for scheme in ("http", "https")
        for kind in ("document", "image")
        for referrer in ("", "https://other.example/")
    ]
    assert len({found[b"User-Agent"] for found in headers}) == 1
