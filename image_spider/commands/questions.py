"""What `scrapy crawl images` asks on a terminal when no URL is given."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.prompt import IntPrompt, Prompt

from image_spider.exceptions import UsageError
from image_spider.urls import start_url


def ask_arguments(*, given: Mapping[str, str], console: Console | None = None) -> dict[str, str]:
    """Ask for URL, limits and categories, but for those that are given; return the spider's arguments."""
    console = console or Console(stderr=True, markup=False, highlight=False)
    arguments = {"url": _ask_url(console)}
    if "max_images" not in given:
        images = IntPrompt.ask("At most how many images (0: no limit)", default=100, console=console)
        arguments |= {"max_images": str(images)} if images > 0 else {}
    if "max_depth" not in given:
        depth = IntPrompt.ask("How many links away from there", default=2, console=console)
        arguments["max_depth"] = str(max(depth, 0))
    if "categories" not in given:
        words = Prompt.ask("Only images about (words, comma between them; empty: all)", default="", console=console)
        arguments |= {"categories": words.strip()} if words.strip() else {}
    return arguments


def _ask_url(console: Console) -> str:
    while True:
        try:
            return start_url(Prompt.ask("Start URL", console=console))
        except UsageError as error:
            console.print(error)
