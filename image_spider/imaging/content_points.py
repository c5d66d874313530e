"""The scorecard of content kinds: written by benchmarks/accuracy/fit_content.py, read by content.py.

One row: feature, low, high, whether the way between is measured in log2, and the points that each kind gets at high
and beyond (in the order of KINDS). Read a row as "the more of this, the more a photo and the less an icon".
"""

from __future__ import annotations

KINDS = ("photo", "illustration", "graphic", "screenshot", "icon", "document")
BASE_POINTS = (47, 17, -34, -1, -6, -22)

POINTS: tuple[tuple[str, float, float, bool, tuple[int, ...]], ...] = (
    ("longer_side", 83, 341, True, (6, 2, -7, 13, -17, 4)),
    ("longer_side", 341, 640, True, (-10, 11, -1, -3, -8, 10)),
    ("longer_side", 640, 1920, True, (3, 20, -10, -13, -2, 2)),
    ("elongation", 1, 1.31, True, (16, -16, 10, 3, -20, 7)),
    ("elongation", 1.31, 1.41, True, (5, 11, -3, -10, -7, 4)),
    ("elongation", 1.41, 2.23, True, (-22, 0, 12, 16, -2, -4)),
    ("transparent_share", 0, 0.774, False, (-9, 25, -21, -12, 22, -6)),
    ("brightness_p1", 0, 0.051, False, (2, -14, 5, 1, 3, 4)),
    ("brightness_p1", 0.051, 0.208, False, (-1, -5, -1, -3, 2, 9)),
    ("brightness_p1", 0.208, 0.569, False, (-11, -1, 1, -7, 5, 11)),
    ("entropy", 0.959, 3.15, False, (1, 2, -7, -1, 5, 1)),
    ("entropy", 3.15, 5.12, False, (1, 2, 3, -7, 4, -4)),
    ("entropy", 5.12, 7.58, False, (7, -10, -3, 10, -1, -3)),
    ("top_tone_share", 0.012, 0.264, False, (-17, -4, 8, 13, 0, 0)),
    ("top_tone_share", 0.264, 0.57, False, (-5, 8, -2, 2, -2, -1)),
    ("top_tone_share", 0.57, 0.9, False, (2, -1, 0, -4, -1, 4)),
    ("colourfulness", 0, 18.3, True, (-4, -2, 6, 9, 2, -11)),
    ("colourfulness", 18.3, 47, True, (-2, 5, 7, 0, -3, -7)),
    ("colourfulness", 47, 115, True, (-2, 0, 13, -8, -3, 0)),
    ("saturation_mean", 0, 0.046, False, (4, 4, -5, 9, -4, -8)),
    ("saturation_mean", 0.046, 0.263, False, (1, 11, -6, -1, -3, -2)),
    ("saturation_mean", 0.263, 0.681, False, (-9, -6, 4, 13, -3, 0)),
    ("colour_density", 0.214, 4.12, True, (3, 2, 3, -1, 4, -11)),
    ("colour_density", 4.12, 15.5, True, (13, -1, 0, -4, -2, -7)),
    ("colour_density", 15.5, 67.3, True, (-9, 3, -8, 6, 9, -1)),
    ("noise", 0, 0.0788, True, (-6, -2, 3, -1, 7, 0)),
    ("noise", 0.0788, 3.09, True, (-8, 2, -5, -4, 14, 2)),
    ("edge_density", 0.0091, 0.0622, True, (-3, -3, 5, -2, -7, 10)),
    ("edge_density", 0.0622, 0.114, True, (-6, 4, -4, -1, -3, 9)),
    ("edge_density", 0.114, 0.28, True, (-3, -6, 0, 0, 5, 3)),
    ("hard_edge_share", 0.000958, 0.153, False, (4, -10, -1, 4, 4, 0)),
    ("hard_edge_share", 0.153, 0.377, False, (-12, 0, 16, 5, -5, -5)),
    ("hard_edge_share", 0.377, 0.698, False, (-7, 8, 19, -12, -3, -5)),
    ("axis_share", 0.225, 0.364, False, (-5, 2, 5, 4, 0, -7)),
    ("axis_share", 0.364, 0.556, False, (-9, -4, 12, 0, 11, -10)),
    ("axis_share", 0.556, 0.823, False, (-2, -5, 4, -2, 5, 0)),
    ("ground_tone", 0.0667, 0.898, False, (-6, 6, -1, 0, 0, 2)),
    ("ground_tone", 0.898, 1, False, (-12, 6, 16, -14, 5, -1)),
    ("margin_share", 0.078, 0.615, False, (4, 0, -9, 2, 1, 2)),
    ("margin_share", 0.615, 0.996, False, (-6, -2, 10, -13, 5, 7)),
    ("margin_share", 0.996, 1, False, (-4, -11, 4, -10, 7, 13)),
    ("ruled_lines", 0, 0.521, True, (-5, -11, 6, 4, 6, 0)),
    ("ruled_lines", 0.521, 3.12, True, (-7, -7, 7, 3, 1, 2)),
    ("ruled_lines", 3.12, 25, True, (-1, -6, -3, -4, 8, 4)),
    ("text_lines", 0, 0.532, True, (2, 5, -13, 2, 2, 3)),
    ("text_lines", 0.532, 2.2, True, (0, -12, 9, 1, 3, 0)),
    ("text_lines", 2.2, 9.01, True, (-9, -8, -14, 18, 2, 10)),
    ("flat_share", 0.0187, 0.403, False, (-7, 19, 2, -5, -4, -5)),
    ("flat_share", 0.403, 0.69, False, (-5, 3, 3, 3, -2, -3)),
    ("flat_share", 0.69, 0.932, False, (1, -5, -1, 16, -4, -7)),
    ("smooth_share", 0.00209, 0.087, False, (9, 3, -7, 0, -4, -1)),
    ("smooth_share", 0.087, 0.196, False, (1, -9, 5, 7, -2, -2)),
    ("smooth_share", 0.196, 0.477, False, (5, 2, -8, -1, -1, 3)),
)
