import numpy as np
import pytest
from PIL import Image

from image_spider.imaging.model_input import model_input

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def stripes(width: int, height: int) -> Image.Image:
    """Red at the left or top third, green in the middle, blue at the other end."""
    image = Image.new("RGB", (width, height), GREEN)
    if width > height:
        image.paste(RED, (0, 0, width // 3, height))
        image.paste(BLUE, (width - width // 3, 0, width, height))
    else:
        image.paste(RED, (0, 0, width, height // 3))
        image.paste(BLUE, (0, height - height // 3, width, height))
    return image


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
)
@pytest.mark.parametrize("size", [(1, 1), (300, 200), (7, 301), (1001, 1000)])
def test_every_mode_and_size_becomes_a_square_of_rgb(mode: str, size: tuple[int, int]):
    picture = model_input(Image.new(mode, size), 24)
    assert (picture.shape, picture.dtype) == ((24, 24, 3), np.uint8)


@pytest.mark.parametrize("size", [(300, 100), (100, 300)])
def test_the_middle_of_the_longer_side_is_taken(size: tuple[int, int]):
    picture = model_input(stripes(*size), 10)
    assert (picture[2:8, 2:8] == GREEN).all()


def test_transparency_lies_on_white():
    picture = model_input(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), 8)
    assert (picture == 255).all()


def test_the_picture_is_turned_upright():
    image = Image.new("RGB", (100, 100), GREEN)
    image.paste(RED, (0, 0, 100, 50))  # red above
    assert tuple(model_input(image, 10, 1)[1, 5]) == RED
    assert tuple(model_input(image, 10, 3)[8, 5]) == RED  # turned by half
    assert tuple(model_input(image, 10, 6)[5, 8]) == RED  # to the right


def test_the_image_itself_stays():
    image = Image.new("RGBA", (30, 20), (9, 8, 7, 6))
    model_input(image, 8)
    assert (image.size, image.mode, image.getpixel((0, 0))) == ((30, 20), "RGBA", (9, 8, 7, 6))
