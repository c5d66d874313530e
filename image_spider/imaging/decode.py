"""The one decode of an image: only the decoder of its own format runs, and JPEG at the smallest sufficient scale."""

from __future__ import annotations

from io import BytesIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from image_spider.imaging.integrity import DECODER_ERRORS, Damaged
from image_spider.imaging.structure import Structure, check_pixels
from image_spider.imaging.working_copy import draft_size

# The classes instead of Image.open: it would try what registered itself, hide the reason of a failure, and warn of
# large images through the process-wide warnings filter, which no thread can set for itself.
DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "avif": AvifImagePlugin.AvifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}


def pixel_limit(max_pixels: int) -> int:
    """Return the pixels that may be decoded: max_pixels, or Pillow's own limit when that is smaller.

    Above PIL.Image.MAX_IMAGE_PIXELS (89 million, unless the program sets it) some decoders warn, whatever we do.
    """
    return max_pixels if Image.MAX_IMAGE_PIXELS is None else min(max_pixels, Image.MAX_IMAGE_PIXELS)


def decode(structure: Structure, image_format: str, limit: int) -> Image.Image:
    """Decode the first frame, unrotated; the caller closes it. A JPEG may be smaller than its structure says.

    Memory at the peak, measured with the file and its thumbnail in bytes per pixel: JPEG 0.5 (progressive 4), BMP 4,
    GIF, PNG, TIFF and AVIF 6 to 10, WebP 16. Weakness: the header of an AVIF may lie about the size of its coded
    picture, which libavif then decodes, up to its own limit of 16384 x 16384, and scales to the size in the header.
    Raises Damaged, and whatever a decoder raises when memory runs out.
    """
    name = structure.decoder or image_format
    try:
        if name == "ico":
            return _decode_icon(structure.pixels)
        image = DECODERS[name](BytesIO(structure.pixels))
        check_pixels(image.width, image.height, limit)
        if name == "jpeg":
            image.draft(None, draft_size(image.width, image.height))
            image.decodermaxblock = len(structure.pixels)  # all at once: Pillow copies what is left of each block
        image.load()
    except DECODER_ERRORS as error:
        raise Damaged.by_decoder(error) from error
    return image


def _decode_icon(data: bytes) -> Image.Image:
    image = IcoImagePlugin.IcoFile(BytesIO(data)).frame(0)
    image.load()
    return image
