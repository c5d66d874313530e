"""`make crawl`: crawl the demo site, or a real one, then write the report."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack

from demo.server import DemoServer
from image_spider.crawl import Crawl

PORT = 8800  # the same each time: the same URLs are the same rows
LOOPBACK = "127.0.0.0/8"  # where the demo site stands: nothing else that is not the internet may be crawled
TASTE = ["max_images=100", "max_depth=2"]  # of a real site, unless arguments say otherwise


def main(arguments: list[str]) -> int:
    """Crawl and report; return the exit code of the crawl, or of the report when that fails."""
    if arguments and not arguments[0].startswith("-"):
        url, *rest = arguments
        taste = [] if rest else TASTE
        crawl = Crawl.from_arguments(url=url, **dict(part.split("=") for part in taste))
        words = [word for part in (f"url={url}", f"crawl_id={crawl.id}", *taste) for word in ("-a", part)]
        return _crawl(crawl.id, [*words, *rest])
    with ExitStack() as stack:
        site = _serve(stack)
        print(f"The demo site stands on {site.url}", flush=True)
        words = ["-a", f"url={site.url}", "-a", "crawl_id=demo", "-a", "sitemap=true"]
        values = {"HOST_DELAY_SECONDS": "0", "CONTACT_URL": site.url, "ALLOW_ADDRESSES": LOOPBACK}
        settings = [word for name, value in values.items() for word in ("-s", f"{name}={value}")]
        return _crawl("demo", [*words, *settings, *arguments])


def _crawl(crawl_id: str, arguments: list[str]) -> int:
    scrapy = [sys.executable, "-m", "scrapy"]
    crawl = subprocess.Popen([*scrapy, "crawl", "images", *arguments])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the crawl, which ends in order
    code = crawl.wait()
    report = subprocess.run([*scrapy, "report", "--crawl", crawl_id], check=False)
    return code or report.returncode


def _serve(stack: ExitStack) -> DemoServer:
    try:
        return stack.enter_context(DemoServer(port=PORT))
    except OSError:  # somebody else has the port
        return stack.enter_context(DemoServer())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
