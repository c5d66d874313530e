"""Kill the primary under a crawl, and count what is missing at its end: `make drill`, or run this file.

It uses the cluster of `make cluster` when that runs, with a database of its own, or makes one in a scratch folder.
Workers crawl a generated site; in the middle the primary's postmaster is killed with SIGKILL. Exit code 0: the crawl
went on to its end by itself, and nothing is lost, missing, doubled or failed; 1: something is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent


def main() -> int:
    """Run the drill; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=400, help="pages of the site, two images each (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="scrapy processes (%(default)s)")
    parser.add_argument("--kill-at", type=float, default=0.3, help="the part of the site that is served by then (0.3)")
    parser.add_argument("--deadline", type=float, default=180, help="seconds from the kill to the end (%(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("data/cluster"), help="a cluster to use (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep logs, files, database and scratch cluster")
    options = parser.parse_args()
    sys.path.insert(0, str(PROJECT))  # where it is run as a file
    from deploy.drills.clusters import drill_cluster
    from deploy.drills.crawl import DrillCrawl
    from deploy.drills.timeline import Timeline
    from deploy.local_cluster.plan import ClusterError
    from tests.system.faults.site import GatedSite

    folder = Path(tempfile.mkdtemp(prefix="failover-drill-"))
    try:
        with ExitStack() as stack:
            cluster = stack.enter_context(drill_cluster(options.folder, folder, keep=options.keep))
            site = stack.enter_context(GatedSite(options.pages))
            crawl = stack.enter_context(DrillCrawl(folder, site, cluster, workers=options.workers))
            crawl.run_until(options.kill_at)
            timeline = Timeline(cluster, crawl)
            timeline.kill_primary()
            timeline.watch(seconds=options.deadline)
            books = crawl.books()
            print(f"\n{timeline.outage}; {books.summary()}")
            failed = timeline.missing_events() + books.complaints()
    except ClusterError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"Logs and files are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(f"FAILED: {complaint}" for complaint in failed) or "PASSED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
