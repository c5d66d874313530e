"""Every format has its truncated, corrupt, zero-byte, mislabelled and bomb variants."""

from __future__ import annotations

import pytest

from image_spider.imaging.media_types import FORMATS as MEDIA_TYPES

from .imaging_samples import FORMATS, examine, sample
from .test_bad_files import BAD_FILES, SVG

FILES = {name: sample(name) for name in FORMATS} | {"svg": SVG}
NAMED = {name: next(kind for kind, named in MEDIA_TYPES.items() if named == name) for name in FILES}
MISLABELLED = [(name, other) for name in FILES for other in FILES if name != other]


@pytest.mark.parametrize("name", FORMATS)
def test_the_table_of_bad_files_has_each_variant_of_a_format(name: str) -> None:
    variants = {expected for row, _, expected in BAD_FILES if row.lower().startswith(f"{name}: ")}
    assert variants >= {"truncated", "corrupt", "bomb"}


def test_the_table_has_truncated_svgs_and_no_other_broken_ones_as_their_content_is_not_read() -> None:
    assert {expected for row, _, expected in BAD_FILES if row.startswith("SVG: ")} == {"truncated", "trailing_bytes"}


@pytest.mark.parametrize("name", FILES)
def test_no_bytes_are_empty_whatever_they_are_called(name: str) -> None:
    assert examine(b"", NAMED[name]).integrity == "empty"
    assert examine(FILES[name], NAMED[name]).integrity == "ok"


@pytest.mark.parametrize(("name", "other"), MISLABELLED)
def test_a_format_by_the_name_of_any_other_is_a_mismatch(name: str, other: str) -> None:
    description = examine(FILES[name], NAMED[other])
    assert (description.integrity, description.format) == ("type_mismatch", name)
