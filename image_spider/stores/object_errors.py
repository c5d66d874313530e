"""What an object store's error means, in words, and whether waiting mends it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

REMEDIES = {
    "NoSuchBucket": "Make the bucket, or correct its name in the address of the store.",
    "denied": "Give its keys the right to list the bucket and to read, write and delete in it, or set other keys.",
    "keys": "Set the keys in the environment (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS) or by ?credentials=.",
    "away": "Nothing is lost: what was not stored is done again. Mend the service or the way to it, then crawl on.",
}
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
_SYSTEM = re.compile(r'message: "([^"]+)"')
_TOO_BUSY = 429


@dataclass(frozen=True, slots=True)
class ObjectFault:
    """Why an object store did not do what was asked; away: it cannot be reached or is overloaded."""

    reason: str
    remedy: str
    away: bool = False


def fault_of(text: str, *, seconds: float) -> ObjectFault:
    """Return the fault that obstore's words tell of; a request was cut after so many seconds.

    The words are those of Rust's object_store 0.13: a line that says what was asked and answered, then the error as its
    source has it. Neither contains a key or a signature.
    """
    line = text.partition("\n\nDebug source:")[0]
    status, code, message = _STATUS.search(line), _CODE.search(line), _MESSAGE.search(line)
    number = int(status[1]) if status else 0
    told = ": ".join(part[1] for part in (code, message) if part) or (f"HTTP {number}" if number else "")
    if "TokenRequest" in text or "Credentials" in text or "MissingBucketName" in text:
        return ObjectFault(told or _short(line), REMEDIES["keys"])
    if code and code[1] == "NoSuchBucket":
        return ObjectFault("there is no such bucket", REMEDIES["NoSuchBucket"])
    if number in {401, 403}:
        return ObjectFault(f"permission denied ({told})", REMEDIES["denied"])
    if number >= 500 or number == _TOO_BUSY:
        return ObjectFault(told, REMEDIES["away"], away=True)
    if "Http(" in text or "HTTP error" in line:
        system = _SYSTEM.search(text)
        reason = system[1].lower() if system else _transport(text, seconds)
        return ObjectFault(reason, REMEDIES["away"], away=True)
    return ObjectFault(told or _short(line), "See docs/how-to/store-images.md.")


def _transport(text: str, seconds: float) -> str:
    if "Timeout" in text or "timed out" in text.lower():
        return f"no answer within {seconds:g} s"
    return "the connection broke off"


def _short(line: str) -> str:
    return " ".join(line.split())[:300]
