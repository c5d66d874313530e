"""Compression: what the container tells about the loss that its writer accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from image_spider.imaging.facts import FileFacts

_STANDARD_LUMA_SUM = 3688
"""Sum of the luminance table of ITU-T T.81, Annex K.1, which libjpeg scales by its quality setting."""


def measure_compression(facts: FileFacts) -> dict[str, float | None]:
    """Tell bits_per_pixel of the file and jpeg_quality (None for other formats)."""
    return {
        "bits_per_pixel": facts.bytes * 8 / max(1, facts.width * facts.height),
        "jpeg_quality": None if facts.quantization is None else jpeg_quality(facts.quantization),
    }


def jpeg_quality(tables: Mapping[int, Sequence[int]]) -> float:
    """Estimate the quality setting 1..100 from a JPEG's luminance table.

    libjpeg's jpeg_quality_scaling turned round: scale = 100 x sum(table) / sum(standard table); quality is
    (200 - scale) / 2 up to scale 100, else 5000 / scale. Exact to +-1.5 for libjpeg's tables from 20 up; below,
    where entries are clipped at 255, too high (12 for 5). A fair likeness for tables of other writers, as cameras.
    """
    luma = tables[min(tables)]
    scale = 100.0 * sum(luma) / _STANDARD_LUMA_SUM
    quality = (200.0 - scale) / 2 if scale <= 100 else 5000.0 / scale
    return min(100.0, max(1.0, quality))
