"""Tones and colours: brightness percentiles, contrast, entropy, colourfulness, saturation, colour counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from image_spider.imaging.working_copy import WorkingCopy

PERCENTILES = (1, 5, 50, 95, 99)


def measure_tones(copy: WorkingCopy) -> dict[str, float]:
    """Measure brightness and colour of the working copy.

    brightness_pNN: percentile of luma, 0..1 · contrast: standard deviation of luma / 255 (RMS contrast; Peli 1990)
    · entropy: Shannon entropy of the luma histogram, bits 0..8 · the rest: see the functions below.
    """
    share = copy.histogram / copy.histogram.sum()
    cumulated = np.cumsum(share)
    levels = np.arange(256)
    mean = float(share @ levels)
    present = share[share > 0]
    scores = {f"brightness_p{p}": int(np.searchsorted(cumulated, p / 100 - 1e-9)) / 255 for p in PERCENTILES}
    scores["brightness_mean"] = mean / 255
    scores["contrast"] = float(np.sqrt(share @ (levels - mean) ** 2)) / 255
    scores["entropy"] = float(-(present @ np.log2(present))) + 0.0
    scores["top_tone_share"] = float(share.max())
    return scores | _chroma(copy.rgb) | _colours(copy.window_rgb)


def _chroma(rgb: NDArray[np.uint8]) -> dict[str, float]:
    """Measure colour on a grid of pixels.

    colourfulness: Hasler and Suesstrunk 2003, M = sigma + 0.3 mu on rg = R - G and yb = (R + G) / 2 - B, about 0
    (gray) to 110 (extreme). chroma_p99: 99th percentile of max - min of the channels, 0..255. saturation_mean:
    mean HSV saturation, 0..1. saturated_share: pixels of saturation above 0.75 and value above 0.5.
    """
    channels = np.ascontiguousarray(np.moveaxis(rgb, 2, 0)).reshape(3, -1)
    red, green, blue = channels.astype(np.float32)
    red_green = red - green
    yellow_blue = 0.5 * (red + green) - blue
    sigma = np.hypot(red_green.std(), yellow_blue.std())
    mu = np.hypot(red_green.mean(), yellow_blue.mean())
    value = np.maximum(np.maximum(channels[0], channels[1]), channels[2])
    chroma = value - np.minimum(np.minimum(channels[0], channels[1]), channels[2])
    saturation = chroma.astype(np.float32) / np.maximum(value, 1)
    cumulated = np.cumsum(np.bincount(chroma, minlength=256))
    return {
        "colourfulness": float(sigma + 0.3 * mu),
        "chroma_p99": float(np.searchsorted(cumulated, 0.99 * chroma.size)),
        "saturation_mean": float(saturation.mean()),
        "saturated_share": float(((saturation > 0.75) & (value > 127)).mean()),
    }


def _colours(window: NDArray[np.uint8]) -> dict[str, float]:
    """Count colours among the decoded pixels (of every second row), at 5 bits per channel (32768 bins).

    colour_count: bins that hold a pixel. colour_density: the same per 1000 pixels. main_colour_share and
    eight_colour_share: pixels in the fullest bin, and in the eight fullest. colours_for_95: bins needed to cover
    95 % of the pixels.
    """
    sample = window[:: 2 if window.shape[0] > 256 else 1]
    red, green, blue = (sample[..., channel] >> 3 for channel in range(3))
    codes = (red.astype(np.uint16) << 10) | (green.astype(np.uint16) << 5) | blue
    counts = np.bincount(codes.ravel(), minlength=1 << 15)
    counts = np.sort(counts[counts > 0])[::-1]
    total = codes.size
    return {
        "colour_count": float(counts.size),
        "colour_density": counts.size * 1000 / total,
        "main_colour_share": float(counts[0]) / total,
        "eight_colour_share": float(counts[:8].sum()) / total,
        "colours_for_95": float(np.searchsorted(np.cumsum(counts), 0.95 * total) + 1),
    }
