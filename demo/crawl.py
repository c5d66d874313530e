"""`make crawl`: crawl the demo site, or a real one, then write the report."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from demo.server import DemoServer

PORT = 8800  # the same each time: the same URLs are the same rows
TASTE = ["-a", "max_images=100", "-a", "max_depth=2"]  # of a real site, unless arguments say otherwise


def main(arguments: list[str]) -> int:
    """Crawl and report; return the crawl's exit code."""
    if arguments and not arguments[0].startswith("-"):
        url, *rest = arguments
        return _crawl(["-a", f"url={url}", *(rest or TASTE)])
    with ExitStack() as stack:
        site = stack.enter_context(_serve())
        print(f"The demo site stands on {site.url}", flush=True)
        local = ["HOST_DELAY_SECONDS=0", "ALLOW_ADDRESSES=127.0.0.0/8", f"CONTACT_URL={site.url}"]
        settings = [word for setting in local for word in ("-s", setting)]
        return _crawl(["-a", f"url={site.url}", "-a", "crawl_id=demo", "-a", "sitemap=true", *settings, *arguments])


def _crawl(arguments: list[str]) -> int:
    scrapy = [sys.executable, "-m", "scrapy"]
    code = subprocess.run([*scrapy, "crawl", "images", *arguments], check=False).returncode
    subprocess.run([*scrapy, "report"], check=False)
    return code


def _serve() -> DemoServer:
    try:
        return DemoServer(port=PORT)
    except OSError:  # somebody else has the port
        return DemoServer(port=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
