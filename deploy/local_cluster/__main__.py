"""`python -m deploy.local_cluster up|status|stop`, which `make cluster`, `cluster-status` and `cluster-stop` run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.local_cluster.cluster import LocalCluster
from deploy.local_cluster.configuration import NODES_FILE
from deploy.local_cluster.plan import ClusterError
from deploy.local_cluster.status import is_well, status, table

FOLDER = Path("data/cluster")
WELL, UNWELL, STOPPED = 0, 1, 3  # as `systemctl status` has them


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local_cluster", description="Run a cluster on this machine."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--folder", type=Path, default=FOLDER, help="where its data lie (default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up", parents=[common], help="start it, or say where it is")
    actions.add_parser("status", parents=[common], help="show it; exit code 0: well, 1: not well, 3: it does not run")
    stop = actions.add_parser("stop", parents=[common], help="stop it; its data stay")
    stop.add_argument("--wipe", action="store_true", help="remove its data")
    options = parser.parse_args()
    cluster = LocalCluster(options.folder)
    try:
        if options.action == "up":
            return _up(cluster)
        if options.action == "status":
            return _status(cluster)
        return _stop(cluster, wipe=options.wipe)
    except ClusterError as error:
        print(f"Error: {error}", file=sys.stderr)
        return UNWELL


def _up(cluster: LocalCluster) -> int:
    plan = cluster.up()
    print(table(status(cluster.folder, plan)))
    file = cluster.folder / "cluster.env"
    print(f"\nThe cluster is up. In the shell of a worker, these lines, or `. {file}`:\n")
    print(file.read_text(encoding="utf-8"), end="")
    print(f"\nThe project to its Scrapyd nodes: make deploy ARGS='--nodes {cluster.folder / NODES_FILE}'")
    return WELL


def _status(cluster: LocalCluster) -> int:
    plan = cluster.plan
    rows = status(cluster.folder, plan) if plan else []
    if not rows:
        print("The cluster does not run." if plan else f"There is no cluster in {cluster.folder}: run `make cluster`")
        return STOPPED
    print(table(rows))
    return WELL if is_well(rows) else UNWELL


def _stop(cluster: LocalCluster, *, wipe: bool) -> int:
    cluster.stop()
    if wipe:
        cluster.wipe()
    kept = "its data are removed" if wipe else f"its data stay in {cluster.folder}"
    print(f"The cluster is stopped; {kept}.")
    return WELL


if __name__ == "__main__":
    sys.exit(main())
