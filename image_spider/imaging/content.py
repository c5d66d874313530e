"""Content: what kind of picture an image is, by a scorecard over its raw scores; no model, no training at run time."""

from __future__ import annotations

import math

from image_spider.imaging.content_points import BASE_POINTS, KINDS, POINTS
from image_spider.imaging.rules import Scores

BLANK = "blank"
ALL_KINDS = (*KINDS, BLANK)

BLANK_CONTRAST = 0.006
"""A picture whose luma varies less than this (of white) and which has no edge is blank."""
BLANK_COLOURS = 2.0
"""Colours that may cover 95 % of a blank picture's pixels."""


def content_kind(scores: Scores) -> str:
    """Classify an image from its raw scores: photo, illustration, graphic, screenshot, icon, document or blank.

    photo: taken with a camera · illustration: a drawn or painted picture of something (clip art, game art, computer
    wallpaper) · graphic: a chart, diagram, flag or logo · screenshot: a screen, window or dialog · icon: a small
    pictogram · document: a page of text · blank: one colour. Each row of POINTS gives points to each kind, from none
    at `low` to all at `high`, linear between (or linear in log2), and the kind with the highest sum wins: a multinomial
    logistic model whose points are tenths of the natural logarithm of odds, see docs/accuracy.md. Weaknesses stand
    there too: what it has not seen the like of is often called screenshot or graphic.
    """
    if is_blank(scores):
        return BLANK
    sums = [float(points) for points in BASE_POINTS]
    for feature, low, high, logarithmic, points in _ROWS:
        value = scores.get(feature) or 0.0
        share = ((_logarithm(value) if logarithmic else value) - low) / (high - low)
        if share > 0.0:
            share = min(1.0, share)
            sums = [total + share * point for total, point in zip(sums, points, strict=True)]
    return KINDS[sums.index(max(sums))]


def is_blank(scores: Scores) -> bool:
    """Tell whether the picture is of one colour, but for the noise of an encoder."""
    return (
        (scores.get("contrast") or 0.0) < BLANK_CONTRAST
        and (scores.get("edge_density") or 0.0) == 0.0
        and (scores.get("colours_for_95") or 0.0) <= BLANK_COLOURS
    )


def ramp(value: float, low: float, high: float, *, logarithmic: bool) -> float:
    """Return 0 up to low, 1 from high on, and between them the share of the way, in log2(value + 0.05) if asked."""
    if logarithmic:
        value, low, high = _logarithm(value), _logarithm(low), _logarithm(high)
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _logarithm(value: float) -> float:
    return math.log2(max(0.0, value) + 0.05)


_ROWS = tuple(
    (feature, _logarithm(low), _logarithm(high), True, points) if logarithmic else (feature, low, high, False, points)
    for feature, low, high, logarithmic, points in POINTS
)
