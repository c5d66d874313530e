"""`scrapy catalog`: look after the catalog."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import ClassVar

from scrapy.exceptions import UsageError

from image_spider.catalog_actions import (
    backup,
    backups,
    check,
    check_images,
    rebalance,
    recover,
    restore,
    upgrade,
    verify,
)
from image_spider.catalog_actions.action import Action
from image_spider.command import ProjectCommand
from image_spider.config import Config


class Command(ProjectCommand):
    """Hand over to one of the actions; Scrapy's own options may stand before or behind it."""

    ACTIONS: ClassVar[dict[str, Action]] = {
        "upgrade": upgrade,
        "check": check,
        "check-images": check_images,
        "backup": backup,
        "backups": backups,
        "verify": verify,
        "restore": restore,
        "recover": recover,
        "rebalance": rebalance,
    }

    def syntax(self) -> str:
        """Return the arguments."""
        return f"{'|'.join(self.ACTIONS)} [--help] ..."

    def short_desc(self) -> str:
        """Describe the command in a line."""
        return "Look after the catalog and the image store: upgrade, check, back up, restore, recover, rebalance"

    def long_desc(self) -> str:
        """Describe the actions."""
        return "; ".join(f"{name}: {action.SUMMARY}" for name, action in self.ACTIONS.items())

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Leave --help to the action, if one is named."""
        super().add_options(parser)
        self._parser = parser
        parser.add_argument("-h", "--help", action="store_true", help="of the command, or of the action named")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Show the help, or read the action's own options, before anything is done."""
        if not args and opts.help:
            self._parser.print_help()
            sys.exit(0)
        if not args or args[0] not in self.ACTIONS:
            raise UsageError(f"give one action: {', '.join(self.ACTIONS)}", print_help=False)
        action = self.ACTIONS[args[0]]
        parser = argparse.ArgumentParser(
            prog=f"scrapy catalog {args[0]}", description=textwrap.dedent(action.__doc__ or "")
        )
        action.add_options(parser)
        opts.action = action
        opts.options = parser.parse_args(["--help"] if opts.help else args[1:])
        super().process_options(args, opts)

    def execute(self, args: list[str], opts: argparse.Namespace, settings: Config) -> None:
        """Run the action."""
        del args
        self.exitcode = opts.action.run(opts.options, settings)
