"""Orientation: how a picture is turned for display, as EXIF says."""

from __future__ import annotations

from PIL import Image

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # what undoes each EXIF orientation


def displayed(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image as its EXIF orientation (1..8) asks for; an unknown value turns nothing."""
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
