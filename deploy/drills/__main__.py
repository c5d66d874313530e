"""Deploy, crawl, and kill a worker, a node and the primary under the crawl: `make drill`.

It uses the cluster of `make cluster` when that runs, with a database and a project of its own, or makes one in a
scratch folder. The egg goes to both Scrapyd nodes, a worker begins on each, redis-cli pushes start URLs of a generated
site. Then a worker, a node with everything on it, and the primary's postmaster are killed with SIGKILL. Exit code 0:
the crawl went on to its end, and nothing is lost, missing, doubled or failed; 1: something is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.deployment.node_client import NodeError
from deploy.drills.clusters import DrillCluster, drill_cluster
from deploy.drills.crawl import DrillCrawl
from deploy.drills.failures import FIRST_ROW, Failures
from deploy.drills.nodes import Nodes, push
from deploy.drills.timeline import Timeline
from deploy.local_cluster.plan import ClusterError
from deploy.local_cluster.programs import redis_cli
from tests.system.faults.site import GatedSite

START_URLS = 100


def main() -> int:
    """Run the drill; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.drills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=400, help="pages of the site, two images each (%(default)s)")
    parser.add_argument("--deadline", type=float, default=180, help="seconds from a kill to the end (%(default)g)")
    parser.add_argument("--folder", type=Path, default=Path("data/cluster"), help="a cluster to use (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep logs, files, database and scratch cluster")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="drill-"))
    try:
        with ExitStack() as stack:
            cluster = stack.enter_context(drill_cluster(options.folder, scratch, keep=options.keep))
            site = stack.enter_context(GatedSite(options.pages))
            failed = _walk(cluster, site, deadline=options.deadline, keep=options.keep)
    except (ClusterError, NodeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"A scratch cluster, if one was needed, is in {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    print("\n".join(f"FAILED: {complaint}" for complaint in failed) or "PASSED")
    return 1 if failed else 0


def _walk(cluster: DrillCluster, site: GatedSite, *, deadline: float, keep: bool) -> list[str]:
    """Go through it all; return what is wrong."""
    timeline, nodes, crawl = Timeline(), Nodes(cluster), DrillCrawl(cluster, site)
    failures = Failures(cluster=cluster, nodes=nodes, crawl=crawl, timeline=timeline)
    try:
        timeline.strike("deploy/deploy.py to both nodes")
        timeline.say(f"   {nodes.deploy()}")
        failures.start_workers()
        urls = [site.url + page for page in sorted(site.all_pages, key=len)][:START_URLS]
        crawl.hold_at(0.3)
        number = push(urls, redis_cli(), cluster.environment["REDIS_URL"])
        timeline.strike(f"redis-cli lpush images:start_urls: {number} of them")
        crawl.run_until(0.2)
        failures.kill_worker()
        crawl.hold_at(0.55)
        crawl.run_until(0.45)
        failures.kill_node()
        crawl.hold_at(0.8)
        crawl.run_until(0.7)
        failures.kill_primary(seconds=deadline)
        failures.end_workers()
        books = crawl.books(endings=[nodes.ending(worker) for worker in failures.workers])
    finally:
        nodes.end_all(failures.workers)
        if keep:
            print(f"Images and feeds are in {crawl.folder}, logs in {cluster.folder}/scrapyd*/logs")
        else:
            nodes.remove_project()
            shutil.rmtree(crawl.folder, ignore_errors=True)
    out = timeline.seconds.get(FIRST_ROW)
    outage = "nothing was written again" if out is None else f"writes were out for {out:.2f} s"
    print(f"\n{outage}; {books.summary()}")
    return timeline.missing + books.complaints()


if __name__ == "__main__":
    sys.exit(main())
