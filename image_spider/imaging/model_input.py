"""A decoded image as the square picture that a label model takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.orientation import displayed
from image_spider.imaging.working_copy import eight_bit

GROUND = (255, 255, 255)  # under transparency: most pages are white


def model_input(image: Image.Image, side: int, orientation: int = 1) -> NDArray[np.uint8]:
    """Return the central square of an image, upright, as RGB [side, side, 3].

    orientation is EXIF's 1..8. The crop is CLIP's: the shorter side scaled to `side`, by a cubic filter, the middle
    of the longer one taken. Weakness: what a banner shows at its ends is not seen.
    """
    picture = eight_bit(image)
    edge = min(picture.size)
    left, top = (picture.width - edge) / 2, (picture.height - edge) / 2
    box = (left, top, left + edge, top + edge)
    picture = picture.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    if picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, GROUND)
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    picture = displayed(picture, orientation)
    return np.asarray(picture.convert("RGB"))
