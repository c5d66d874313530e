"""The addresses of stores, as IMAGES_STORE and IMAGES_MIRRORS name them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

ALLOWED = (
    "a folder of this machine, for example data/images; s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, with ?endpoint_url=, "
    "&region= and &credentials=FILE where they are needed; or several of them, comma-separated, each with ?weight= if "
    "their sizes differ"
)
KEYS = "keys come from the environment or from a file that ?credentials= names, not from the address"
OBJECT_STORES = ("s3", "gs")
_OPTIONS = {"s3": {"endpoint_url", "region", "credentials"}, "gs": {"credentials"}, "": set[str]()}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """Where one store is.

    scheme is "s3", "gs" or "" for a folder, of which path is the whole path; of an object store it is the prefix within
    the bucket. weight is the share of the files that a volume gets, relative to those of the others.
    """

    scheme: str
    bucket: str = ""
    path: str = ""
    endpoint_url: str = ""
    region: str = ""
    credentials: str = ""
    weight: float = 1.0

    @property
    def name(self) -> str:
        """The folder or URL, without what tells where the keys are."""
        if not self.scheme:
            return self.path
        url = f"{self.scheme}://{self.bucket}" + (f"/{self.path}" if self.path else "")
        return f"{url}?{urlencode({'endpoint_url': self.endpoint_url}, safe=':/')}" if self.endpoint_url else url


def parse_addresses(value: str) -> tuple[StoreAddress, ...]:
    """Return the stores that a setting names, one for each volume; raise ValueError that says what is allowed.

    A folder alone is taken as it stands, question marks included.
    """
    words = [word.strip() for word in value.split(",")]
    alone = len(words) == 1 and "://" not in value
    addresses = [_folder(value)] if alone else [_address(word) for word in words]
    if len({address.name for address in addresses}) < len(addresses):
        raise ValueError(f"each volume once: {ALLOWED}")
    return tuple(addresses)


def _address(word: str) -> StoreAddress:
    parts = urlsplit(word)
    if "://" not in word:
        folder, _, query = word.partition("?")
        return _folder(folder, weight=_options(query, "").pop("weight", 1.0))
    if parts.scheme not in OBJECT_STORES or not parts.netloc or parts.fragment:
        raise ValueError(ALLOWED)
    if "@" in parts.netloc:
        raise ValueError(KEYS)
    options = _options(parts.query, parts.scheme)
    if "@" in str(options.get("endpoint_url", "")):  # it would stand in the store's name
        raise ValueError(KEYS)
    weight = options.pop("weight", 1.0)
    return StoreAddress(
        scheme=parts.scheme,
        bucket=parts.netloc,
        path=parts.path.strip("/"),
        weight=float(weight),
        **{name: str(text) for name, text in options.items()},
    )


def _folder(path: str, *, weight: float | str = 1.0) -> StoreAddress:
    if not path.strip():
        raise ValueError(ALLOWED)
    return StoreAddress(scheme="", path=str(Path(path).expanduser()), weight=float(weight))


def _options(query: str, scheme: str) -> dict[str, str | float]:
    """Return the options of a store of this scheme; raise ValueError for one that it does not have."""
    try:
        options: dict[str, str | float] = dict(parse_qsl(query, strict_parsing=True)) if query else {}
        weight = float(options.get("weight", 1.0))
    except ValueError:
        raise ValueError(ALLOWED) from None
    known = _OPTIONS[scheme] | {"weight"}
    if not options.keys() <= known or not (0 < weight < math.inf):
        raise ValueError(f"?{', '.join(sorted(known))}; weight is a number above 0")
    return options | ({"weight": weight} if "weight" in options else {})
