from __future__ import annotations

import io
from itertools import count

from rich.console import Console

from image_spider.progress_bar import ProgressBar


def test_without_a_terminal_it_prints_a_line_now_and_then_and_lines_are_left_whole():
    console = Console(file=io.StringIO(), force_terminal=False, width=40)
    seconds = count(step=4)
    with ProgressBar(2000, console=console, clock=lambda: float(next(seconds))) as bar:
        for _ in range(4):
            bar.advance(300)
        bar.say("[x] " + "long " * 20)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines == ["900 of 2,000 images", "[x] " + "long " * 20]


def test_on_a_terminal_it_shows_a_bar_that_goes_at_the_end():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with ProgressBar(2, console=console) as bar:
        bar.advance(1)
        bar._bar.refresh()
        assert isinstance(console.file, io.StringIO)
        assert "1/2" in console.file.getvalue()
    assert console.file.getvalue().endswith("\x1b[2K")
