"""Size classes and shapes change exactly at their bounds."""

from __future__ import annotations

import pytest

from image_spider.imaging.classes import shape, size_class


@pytest.mark.parametrize(
    ("shorter", "expected"),
    [
        (1, "tracker"), (3, "tracker"), (4, "icon"), (63, "icon"), (64, "thumbnail"), (199, "thumbnail"),
        (200, "small"), (511, "small"), (512, "medium"), (1023, "medium"), (1024, "large"),
        (2047, "large"), (2048, "xlarge"),
    ],
)  # fmt: skip
def test_the_shorter_side_decides_the_size_class(shorter: int, expected: str) -> None:
    assert size_class(shorter, 5000) == size_class(5000, shorter) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (100, 100, "square"), (105, 100, "square"), (100, 105, "square"), (106, 100, "landscape"),
        (100, 106, "portrait"), (300, 100, "landscape"), (100, 300, "portrait"), (301, 100, "banner"),
        (100, 301, "banner"), (1, 1, "square"),
    ],
)  # fmt: skip
def test_the_aspect_decides_the_shape(width: int, height: int, expected: str) -> None:
    assert shape(width, height) == expected
