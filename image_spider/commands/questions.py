"""What `scrapy crawl images` asks on a terminal when no URL is given."""

from __future__ import annotations

from rich.console import Console
from rich.prompt import IntPrompt, Prompt

from image_spider.exceptions import UsageError
from image_spider.urls import start_url


def ask_arguments(console: Console | None = None) -> dict[str, str]:
    """Ask for URL, limits and categories; return the spider's arguments."""
    console = console or Console(stderr=True)
    arguments = {"url": _ask_url(console)}
    images = IntPrompt.ask("At most how many images (0: no limit)", default=100, console=console)
    depth = IntPrompt.ask("How many links away from there", default=2, console=console)
    categories = Prompt.ask("Only images about (words, comma between them; empty: all)", default="", console=console)
    if images > 0:
        arguments["max_images"] = str(images)
    arguments["max_depth"] = str(max(depth, 0))
    if categories.strip():
        arguments["categories"] = categories.strip()
    return arguments


def _ask_url(console: Console) -> str:
    while True:
        try:
            return start_url(Prompt.ask("Start URL", console=console))
        except UsageError as error:
            console.print(f"[red]{error}[/red]")
