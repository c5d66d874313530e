"""The integrity of an image file: the closed list of its classes, and the error that carries a failed one."""

from __future__ import annotations

OK = "ok"
TRAILING_BYTES = "trailing_bytes"  # a whole image, and something else behind its end
TYPE_MISMATCH = "type_mismatch"  # a whole image that the server calls by the name of another format
TRUNCATED = "truncated"  # the data ends before the image does
CORRUPT = "corrupt"  # a checksum, a code or a structure that cannot be right
UNSUPPORTED = "unsupported"  # an image, but of a format or a variant that no decoder here is allowed to read
BOMB = "bomb"  # decoding would take more memory or time than allowed
NOT_AN_IMAGE = "not_an_image"
EMPTY = "empty"

KEPT = frozenset({OK, TRAILING_BYTES, TYPE_MISMATCH})
FAILED = frozenset({TRUNCATED, CORRUPT, UNSUPPORTED, BOMB, NOT_AN_IMAGE, EMPTY})
ALL = KEPT | FAILED

# What Pillow's decoders raise on bad bytes, as far as it is known; `describe` takes what is not.
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, RuntimeError)
MEMORY_WORDS = ("out of memory",)  # WebP and JPEG have no word for it: theirs stay corrupt
TRUNCATED_WORDS = ("truncated", "not enough image data")
UNSUPPORTED_WORDS = (
    "unsupported",
    "cannot handle",
    "unknown pixel mode",
    "unknown data organization",
    "not implemented",
)


class Damaged(Exception):
    """The bytes are not an image that can be kept; integrity is one of FAILED, detail one line for people.

    It travels only inside this package: `describe` turns it into a Description.
    """

    def __init__(self, integrity: str, detail: str) -> None:
        super().__init__(detail)
        self.integrity = integrity
        self.detail = detail

    @classmethod
    def by_decoder(cls, error: Exception) -> Damaged:
        """Tell truncated, unsupported, bomb and corrupt apart by the words of Pillow and its libraries."""
        words = str(error).lower()
        detail = f"the decoder says: {error} ({type(error).__name__})"
        if any(phrase in words for phrase in MEMORY_WORDS):
            return cls(BOMB, detail)
        if any(phrase in words for phrase in TRUNCATED_WORDS):
            return cls(TRUNCATED, detail)
        return cls(UNSUPPORTED if any(phrase in words for phrase in UNSUPPORTED_WORDS) else CORRUPT, detail)
