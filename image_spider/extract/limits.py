"""How much one page may give. What is beyond is left out, the first stays: a page made to be endless ends here."""

from __future__ import annotations

MAX_CANDIDATES = 5_000
MAX_LINKS = 10_000
MAX_REFERENCES = 50_000  # different URLs as written that are resolved at all, those that lead nowhere included
MAX_SRCSET_ENTRIES = 100  # of one attribute; image CDNs write 30
MAX_ALTERNATIVES = 100  # of one candidate
MAX_JSON_LD_VALUES = 50_000  # of one script
