"""The project's settings with one extension more: `-s EXTENSIONS=...` would replace the project's own."""

from __future__ import annotations

from image_spider import settings

globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
EXTENSIONS = {**settings.EXTENSIONS, "benchmarks.images.loop_lag.LoopLag": 0}
