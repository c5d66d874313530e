"""Sec-CH-UA of Chromium's browsers, GREASE included. Pure."""

from __future__ import annotations

from image_spider.identity.profiles import Browser, Profile

BRANDS = {
    Browser.CHROME: "Google Chrome",
    Browser.CHROME_ANDROID: "Google Chrome",
    Browser.EDGE: "Microsoft Edge",
}

# Chromium, components/embedder_support/user_agent_utils.cc: GetGreasedUserAgentBrandVersion and GetRandomOrder. The
# major version is the seed of the brand that does not exist, of its version, and of the order of the three.
_GREASE_CHARACTERS = (" ", "(", ":", "-", ".", "/", ")", ";", "=", "?", "_")
_GREASE_VERSIONS = ("8", "99", "24")
_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def brands(major: int, brand: str) -> str:
    """Return the value of Sec-CH-UA for a version of Chromium and the brand of a browser made of it."""
    first, second = (_GREASE_CHARACTERS[(major + step) % len(_GREASE_CHARACTERS)] for step in (0, 1))
    grease = (f"Not{first}A{second}Brand", _GREASE_VERSIONS[major % len(_GREASE_VERSIONS)])
    entries = [grease, ("Chromium", str(major)), (brand, str(major))]
    shuffled = sorted(zip(_ORDERS[major % len(_ORDERS)], entries, strict=True))
    return ", ".join(f'"{name}";v="{version}"' for _, (name, version) in shuffled)


def client_hints(profile: Profile) -> dict[str, str]:
    """Return the hints that are sent unasked; none for a browser that is not made of Chromium."""
    brand = BRANDS.get(profile.browser)
    if brand is None:
        return {}
    return {
        "Sec-Ch-Ua": brands(profile.major, brand),
        "Sec-Ch-Ua-Mobile": "?1" if profile.mobile else "?0",
        "Sec-Ch-Ua-Platform": f'"{profile.platform}"',
    }
