"""The size class and the shape of an image, from its displayed width and height in pixels."""

from __future__ import annotations

# Upper bounds of the shorter side, exclusive, smallest first.
SIZE_CLASSES = (
    (4, "tracker"),
    (64, "icon"),
    (200, "thumbnail"),
    (512, "small"),
    (1024, "medium"),
    (2048, "large"),
)
BANNER_ASPECT = 3.0
# Scans and crops miss an exact square by a few pixels; 5 % is below what the eye calls portrait or landscape.
SQUARE_ASPECT = 1.05


def size_class(width: int, height: int) -> str:
    """Name the size of an image by its shorter side: tracker, icon, thumbnail, small, medium, large or xlarge."""
    shorter = min(width, height)
    return next((name for bound, name in SIZE_CLASSES if shorter < bound), "xlarge")


def shape(width: int, height: int) -> str:
    """Name the shape of an image: banner, square, portrait or landscape; width and height are positive."""
    aspect = max(width, height) / min(width, height)
    if aspect > BANNER_ASPECT:
        return "banner"
    if aspect <= SQUARE_ASPECT:
        return "square"
    return "portrait" if height > width else "landscape"
