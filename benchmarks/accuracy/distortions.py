"""Distortions of known strength, and which flags each one deserves."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

BASE_SIDE = 1024
"""Photographs are brought to this longer side, in pixels, before they are distorted; sigmas are in these pixels."""
SIDES = (400, 512, 632, 640, 720, 800, 1024, 1600)
"""Longer sides, in pixels, at which blur in proportion to the picture should be judged alike."""


@dataclass(frozen=True, slots=True)
class Distortion:
    """One distortion: its encoder makes a file of a base image.

    deserves: flags that a right classifier sets. excused: flags that it may or may not set, because the strength
    lies between the clear cases or because one fault implies the other; excused files count for neither side.
    """

    name: str
    encode: Callable[[Image.Image], bytes]
    suffix: str = ".jpg"
    deserves: frozenset[str] = frozenset()
    excused: frozenset[str] = frozenset()


def jpeg(image: Image.Image, quality: int = 92) -> bytes:
    """Encode as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    """Encode as PNG, quickly."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def motion(image: Image.Image, length: int) -> Image.Image:
    """Blur along a diagonal of the given length in pixels."""
    values = np.asarray(image, dtype=np.float32)
    total = np.zeros_like(values)
    for step in range(length):
        shift = step - length // 2
        total += np.roll(values, (round(shift * 0.5), round(shift * 0.866)), axis=(0, 1))
    return Image.fromarray((total / length).astype(np.uint8))


def blurred_in_proportion(image: Image.Image) -> dict[str, Image.Image]:
    """Blur in proportion to the picture: sigmas and lengths are in pixels of BASE_SIDE."""
    scale = max(image.size) / BASE_SIDE
    blurs = {sigma: ImageFilter.GaussianBlur(sigma * scale) for sigma in (1, 2, 3, 4)}
    blurred = {f"gaussian blur {sigma}": image.filter(blur) for sigma, blur in blurs.items()}
    return {"none": image, **blurred, "motion blur 15 px": motion(image, round(15 * scale))}


def scaled(image: Image.Image, factor: float, *, lift: float = 0.0) -> Image.Image:
    """Multiply all values by factor and add lift x 255."""
    return image.point([min(255, round(value * factor + 255 * lift)) for value in range(256)] * 3)


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    """Add Gaussian noise."""
    noise = np.random.default_rng(0).normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def enlarged(image: Image.Image, factor: float, method: Image.Resampling) -> Image.Image:
    """Reduce by the factor (Lanczos) and enlarge again to the same size."""
    small = image.resize((round(image.width / factor), round(image.height / factor)), Image.Resampling.LANCZOS)
    return small.resize(image.size, method)


def _blur(sigma: int) -> Distortion:
    return Distortion(
        f"gaussian blur {sigma}",
        lambda image: jpeg(image.filter(ImageFilter.GaussianBlur(sigma))),
        deserves=frozenset({"blurry"} if sigma >= 3 else {"soft"} if sigma == 2 else ()),
        excused=frozenset({"upscaled", "soft"} | ({"blurry"} if sigma == 2 else set())),
    )


def _motion(length: int) -> Distortion:
    return Distortion(
        f"motion blur {length} px",
        lambda image: jpeg(motion(image, length)),
        deserves=frozenset({"blurry"} if length >= 15 else ()),
        excused=frozenset({"upscaled", "soft", "blurry"} - ({"blurry"} if length >= 15 else set())),
    )


def _tone(name: str, factor: float, flag: str, *, clear: bool) -> Distortion:
    lift = 1 - factor if flag == "light" else 0.0
    return Distortion(
        f"{name} {factor:g}",
        lambda image: jpeg(scaled(image, factor, lift=lift)),
        deserves=frozenset({flag} if clear else ()),
        excused=frozenset({"low_information"} | (set() if clear else {flag})),
    )


def _quality(quality: int, *, saved_again: bool = False) -> Distortion:
    def encode(image: Image.Image) -> bytes:
        first = jpeg(image, quality)
        return png(Image.open(io.BytesIO(first))) if saved_again else first

    heavy, borderline = quality <= 30, quality in (40, 50)
    return Distortion(
        f"JPEG q {quality}" + (", then PNG" if saved_again else ""),
        encode,
        suffix=".png" if saved_again else ".jpg",
        deserves=frozenset({"heavily_compressed"} if heavy else ()),
        excused=frozenset({"heavily_compressed"} if borderline else {"upscaled"} if quality == 10 else ()),
    )


def _upscale(factor: float, name: str, method: Image.Resampling) -> Distortion:
    return Distortion(
        f"upscaled x{factor:g} {name}",
        lambda image: jpeg(enlarged(image, factor, method)),
        deserves=frozenset({"upscaled"} if factor >= 2 else ()),
        excused=frozenset({"soft", "blurry"} | (set() if factor >= 2 else {"upscaled"})),
    )


def _noise(sigma: float) -> Distortion:
    return Distortion(f"noise {sigma:g}", lambda image: jpeg(noisy(image, sigma)))


def _squeezed(image: Image.Image) -> bytes:
    return jpeg(scaled(image, 0.02, lift=0.5))


DISTORTIONS = (
    Distortion("none", jpeg),
    *(_blur(sigma) for sigma in (1, 2, 3, 4, 5, 6)),
    *(_motion(length) for length in (7, 15, 25)),
    _tone("dark", 0.5, "dark", clear=False),
    *(_tone("dark", factor, "dark", clear=True) for factor in (0.25, 0.12)),
    _tone("light", 0.5, "light", clear=False),
    *(_tone("light", factor, "light", clear=True) for factor in (0.25, 0.12)),
    *(_quality(quality) for quality in (10, 20, 30, 40, 50, 70, 90)),
    *(_quality(quality, saved_again=True) for quality in (10, 20, 30)),
    _upscale(1.5, "bicubic", Image.Resampling.BICUBIC),
    *(_upscale(factor, "bicubic", Image.Resampling.BICUBIC) for factor in (2, 3, 4)),
    _upscale(2, "Lanczos", Image.Resampling.LANCZOS),
    _upscale(2, "bilinear", Image.Resampling.BILINEAR),
    *(_noise(sigma) for sigma in (10, 25)),
    Distortion("gray, mode L", lambda image: jpeg(image.convert("L")), deserves=frozenset({"grayscale"})),
    Distortion(
        "gray, mode RGB", lambda image: jpeg(image.convert("L").convert("RGB")), deserves=frozenset({"grayscale"})
    ),
    Distortion(
        "contrast 2 %",
        _squeezed,
        deserves=frozenset({"low_information"}),
        excused=frozenset({"grayscale", "upscaled", "blurry", "soft"}),
    ),
)
