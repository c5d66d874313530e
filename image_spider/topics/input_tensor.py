"""Pictures as the tensor that a label model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

DEFAULT_SIDE = 224
CHANNELS = 3
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of red, green and blue; torchvision's
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # OpenAI's CLIP
TYPES: dict[str, type] = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTensor:
    """The model's input: its shape, type, and the normalisation of its values.

    batch is the number of pictures in one run, None for any. Bytes (uint8) are passed as they are: such a model
    normalises by itself.
    """

    layout: str  # NCHW or NHWC
    side: int  # pixels
    batch: int | None
    dtype: DTypeLike
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def of(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.generic]:
        """Return one tensor of RGB pictures [side, side, 3], filled up with black ones to a fixed batch."""
        wanted = (self.side, self.side, CHANNELS)
        for image in images:
            if image.shape != wanted or image.dtype != np.uint8:
                raise ValueError(f"a picture of {image.shape} {image.dtype}, where the model takes {wanted} uint8")
        pixels = np.zeros((self.batch or len(images), *wanted), dtype=np.uint8)
        np.stack(images, out=pixels[: len(images)])
        tensor: NDArray[np.generic] = pixels
        if self.dtype != np.uint8:
            scale = 1 / (255 * np.asarray(self.std, dtype=np.float32))
            shift = np.asarray(self.mean, dtype=np.float32) / np.asarray(self.std, dtype=np.float32)
            tensor = (pixels * scale.astype(np.float32) - shift).astype(self.dtype, copy=False)
        return np.ascontiguousarray(tensor.transpose(0, 3, 1, 2)) if self.layout == "NCHW" else tensor


def input_layout(shape: Sequence[object], wanted: str | None) -> tuple[str, int | None, int | None]:
    """Return layout, side and batch of an ONNX input's shape; a name in place of a number leaves it free (None).

    Raises ValueError that says what is wrong with the shape.
    """
    if len(shape) != 4:
        raise ValueError(f"its input has {len(shape)} dimensions, not the 4 of pictures")
    layout = wanted or ("NHWC" if shape[3] == CHANNELS and shape[1] != CHANNELS else "NCHW")
    batch, *sides = shape
    channels = sides.pop(layout.index("C") - 1)
    if isinstance(channels, int) and channels != CHANNELS:
        raise ValueError(f"its input {list(shape)}, read as {layout}, has {channels} channels, not {CHANNELS}")
    known = {side for side in sides if isinstance(side, int)}
    if len(known) > 1:
        raise ValueError(f"its input {list(shape)} is not square")
    return layout, known.pop() if known else None, batch if isinstance(batch, int) else None
