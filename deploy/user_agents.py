"""Refresh the list of browsers of USER_AGENTS=rotate: `make user-agents`, or `python -m deploy.user_agents`.

Two npm packages are read; npm fetches them into a temporary folder and runs nothing of them:

    caniuse-db   what part of all page views each browser has (StatCounter GlobalStats), CC BY 4.0
    user-agents  which User-Agent strings its visitors sent on one day, and how often, BSD 2-Clause

A string counts when it has the form that a current browser sends, comes from the system that it names (the package
tells what JavaScript saw), and is of one of the last versions: nearly half of what the package counts are programs that
pretend, under one old version or as a phone that runs on a server. The strings of a browser share what it has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from image_spider.identity.profiles import Browser, Profile, profile_of

TARGET = Path(__file__).parent.parent / "image_spider/identity/user_agents.json"
STRINGS, SHARES = "user-agents", "caniuse-db"
TERMS = {
    STRINGS: "BSD-2-Clause, copyright 2018-present Intoli, LLC",
    SHARES: "CC-BY-4.0, caniuse.com and StatCounter GlobalStats",
}
NAMES = {  # what caniuse-db calls them
    Browser.CHROME: "chrome",
    Browser.CHROME_ANDROID: "and_chr",
    Browser.EDGE: "edge",
    Browser.FIREFOX: "firefox",
    Browser.FIREFOX_ANDROID: "and_ff",
    Browser.SAFARI: "safari",
    Browser.SAFARI_IOS: "ios_saf",
}
HANDHELD = (Browser.CHROME_ANDROID, Browser.FIREFOX_ANDROID, Browser.SAFARI_IOS)
# What navigator.platform says where it is true; elsewhere something pretends.
SYSTEMS = {
    "Windows": ("Win32",),
    "macOS": ("MacIntel",),
    "iOS": ("iPhone",),
    "Android": ("Linux armv", "Linux aarch"),
    "Chrome OS": ("Linux x86_64",),
    "Linux": ("Linux x86_64",),
}
RECENT = 3  # versions behind the newest: four to eight weeks each; Safari's numbers leap, so its shares alone decide
TESTERS = 0.02  # of a browser's users; a version that fewer have may be the next one's preview
LEAST = 0.001  # of all: a string that fewer have stands out, and would be a face of nobody


def main() -> None:
    """Fetch, choose and write."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.user_agents", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=TARGET, help="file to write (default: the one that is shipped)")
    parser.add_argument("--desktop", action="store_true", help="no phones and tablets: sites send them smaller images")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="user-agents-") as folder:
        sources = {name: fetch(name, Path(folder)) for name in (STRINGS, SHARES)}
        counted = json.loads((Path(folder) / STRINGS / "package/dist/user-agents.json").read_text(encoding="utf-8"))
        usage = json.loads((Path(folder) / SHARES / "package/data.json").read_text(encoding="utf-8"))["agents"]
    shares = {browser: sum(usage[name]["usage_global"].values()) / 100 for browser, name in NAMES.items()}
    if arguments.desktop:
        shares = {browser: share for browser, share in shares.items() if browser not in HANDHELD}
    profiles = weigh((p for p in plausible(counted) if p.browser in shares), shares)
    text = json.dumps(document(profiles, covered=sum(shares.values()), sources=sources), indent=1)
    arguments.output.write_text(text + "\n", encoding="utf-8")
    print(f"{arguments.output}: {len(profiles)} User-Agents of {len({p.browser for p in profiles})} browsers")


def fetch(package: str, folder: Path) -> dict[str, str]:
    """Unpack the newest version of an npm package into folder/package; return its name, version, day and terms."""
    (folder / package).mkdir()
    told = json.loads(_npm("view", package, "version", "time", "--json"))
    archive = json.loads(_npm("pack", f"{package}@{told['version']}", "--json", "--ignore-scripts", cwd=folder))[0]
    with tarfile.open(folder / archive["filename"]) as packed:
        packed.extractall(folder / package, filter="data")
    day = str(told["time"][told["version"]])[:10]
    return {"package": package, "version": told["version"], "published": day, "terms": TERMS[package]}


def plausible(counted: Iterable[Mapping[str, Any]]) -> list[Profile]:
    """Return the strings that real and current browsers sent, each once, with the part of visitors that sent it."""
    weights: defaultdict[str, float] = defaultdict(float)
    for entry in counted:
        profile = profile_of(entry["userAgent"])
        if str(entry["platform"]).startswith(SYSTEMS.get(profile.platform, ())):
            weights[profile.user_agent] += entry["weight"]
    profiles = [profile_of(user_agent, weight) for user_agent, weight in weights.items()]
    seen: defaultdict[Browser, float] = defaultdict(float)
    newest: defaultdict[Browser, int] = defaultdict(int)
    for profile in profiles:
        seen[profile.browser] += profile.share
    for profile in profiles:
        if profile.share >= TESTERS * seen[profile.browser]:
            newest[profile.browser] = max(newest[profile.browser], profile.major)
    leaps = (Browser.SAFARI, Browser.SAFARI_IOS)
    return [p for p in profiles if p.browser in leaps or newest[p.browser] - RECENT <= p.major <= newest[p.browser]]


def weigh(profiles: Iterable[Profile], shares: Mapping[Browser, float]) -> list[Profile]:
    """Let the strings of each browser share what it has of all page views; the shares of all then add up to 1."""
    by_browser: defaultdict[Browser, list[Profile]] = defaultdict(list)
    for profile in profiles:
        by_browser[profile.browser].append(profile)
    for browser in shares:
        if browser not in by_browser:
            raise SystemExit(f"no User-Agent of {browser} was counted: has its form changed (identity/profiles.py)?")
    whole = sum(shares.values())
    weighed = []
    for browser, share in shares.items():
        seen = sum(profile.share for profile in by_browser[browser])
        weighed += [profile_of(p.user_agent, share / whole * p.share / seen) for p in by_browser[browser]]
    kept = [profile for profile in weighed if profile.share >= LEAST]
    rest = sum(profile.share for profile in kept)
    kept = [profile_of(profile.user_agent, round(profile.share / rest, 5)) for profile in kept]
    return sorted(kept, key=lambda profile: (-profile.share, profile.user_agent))


def document(
    profiles: Iterable[Profile], *, covered: float, sources: Mapping[str, Mapping[str, str]]
) -> dict[str, object]:
    """Return what the file holds; its date is that of the older source."""
    return {
        "about": "Browsers by their part of all page views. Written by `make user-agents`; do not edit.",
        "date": min(source["published"] for source in sources.values()),
        "made": datetime.now(UTC).date().isoformat(),
        "covered": round(covered, 3),
        "sources": list(sources.values()),
        "profiles": [{"share": profile.share, "user_agent": profile.user_agent} for profile in profiles],
    }


def _npm(*words: str, cwd: Path | None = None) -> str:
    try:
        return subprocess.run(["npm", *words], cwd=cwd, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise SystemExit("npm is not on PATH: install Node.js, or run this where it is (--output FILE)") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"npm {' '.join(words)} failed: {error.stderr.strip()[-500:]}") from None


if __name__ == "__main__":
    main()
