"""Tones and colours: brightness percentiles, contrast, entropy, colourfulness, saturation, colour counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_spider.imaging.working_copy import WorkingCopy

PERCENTILES = (1, 5, 50, 95, 99)
_LEVELS = np.arange(256)


def measure_tones(copy: WorkingCopy) -> dict[str, float]:
    """Measure brightness and colour of the working copy.

    brightness_pNN: percentile of luma, 0..1 · contrast: standard deviation of luma / 255 (RMS contrast; Peli 1990)
    · entropy: Shannon entropy of the luma histogram, bits 0..8 · the rest: see the functions below.
    """
    share = copy.histogram / copy.histogram.sum()
    cumulated = share.cumsum()
    mean = float(share @ _LEVELS)
    present = share[share > 0]
    places = cumulated.searchsorted([percentile / 100 - 1e-9 for percentile in PERCENTILES]).tolist()
    scores = {f"brightness_p{percentile}": place / 255 for percentile, place in zip(PERCENTILES, places, strict=True)}
    scores["brightness_mean"] = mean / 255
    scores["contrast"] = float(np.sqrt(share @ (_LEVELS - mean) ** 2)) / 255
    scores["entropy"] = float(-(present @ np.log2(present))) + 0.0
    scores["top_tone_share"] = float(share.max())
    return scores | _chroma(copy.preview) | _colours(copy.window_rgbx)


def _chroma(preview: Image.Image) -> dict[str, float]:
    """Measure colour on every second row of the preview.

    colourfulness: Hasler and Suesstrunk 2003, M = sigma + 0.3 mu on rg = R - G and yb = (R + G) / 2 - B, about 0
    (gray) to 110 (extreme). chroma_p99: 99th percentile of max - min of the channels, 0..255. saturation_mean:
    mean HSV saturation, 0..1. saturated_share: pixels of saturation above 0.75 and value above 0.5.
    """
    rgb = np.asarray(preview if preview.mode == "RGB" else preview.convert("RGB"))
    channels = rgb[:: 2 if rgb.shape[0] > 64 else 1].reshape(-1, 3).T.copy()
    red, green, blue = channels.astype(np.float32)
    red_green = red - green
    yellow_blue = 0.5 * (red + green) - blue
    mu = np.hypot(red_green.mean(), yellow_blue.mean())
    sigma = np.hypot(_deviation(red_green), _deviation(yellow_blue))
    value = np.maximum(np.maximum(channels[0], channels[1]), channels[2])
    chroma = value - np.minimum(np.minimum(channels[0], channels[1]), channels[2])
    saturation = chroma / np.maximum(value, 1).astype(np.float32)
    cumulated = np.bincount(chroma, minlength=256).cumsum()
    return {
        "colourfulness": float(sigma + 0.3 * mu),
        "chroma_p99": float(cumulated.searchsorted(0.99 * chroma.size)),
        "saturation_mean": float(saturation.mean()),
        "saturated_share": np.count_nonzero((saturation > 0.75) & (value > 127)) / chroma.size,
    }


def _deviation(values: NDArray[np.float32]) -> float:
    """Return the standard deviation; the values are changed, which spares the copies that `std` makes."""
    values -= values.mean()
    return float(np.sqrt(np.einsum("i,i", values, values) / values.size))


def _colours(window: NDArray[np.uint32]) -> dict[str, float]:
    """Count colours among the decoded pixels (of every second row and column), at 5 bits per channel (32768 bins).

    colour_count: bins that hold a pixel. colour_density: the same per 1000 pixels. main_colour_share and
    eight_colour_share: pixels in the fullest bin, and in the eight fullest. colours_for_95: bins needed to cover
    95 % of the pixels.
    """
    step = 2 if max(window.shape) > 256 else 1
    sample = window[::step, ::step].ravel()
    codes = (sample >> 3 & 0x1F) | (sample >> 6 & 0x3E0) | (sample >> 9 & 0x7C00)
    counts = np.bincount(codes, minlength=1 << 15)
    counts = np.sort(counts[counts > 0])[::-1]
    return {
        "colour_count": float(counts.size),
        "colour_density": counts.size * 1000 / codes.size,
        "main_colour_share": float(counts[0]) / codes.size,
        "eight_colour_share": float(counts[:8].sum()) / codes.size,
        "colours_for_95": float(counts.cumsum().searchsorted(0.95 * codes.size) + 1),
    }
