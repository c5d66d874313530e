"""What is wrong with a cluster: a pure function of what its servers said."""

from __future__ import annotations

from collections.abc import Iterator

from image_spider.catalog.pool.choice import choose_primary, reasons
from image_spider.catalog.pool.node import Node
from image_spider.catalog.recovery.finding import Finding
from image_spider.catalog.recovery.nodes import Look

LAG_BYTES = 64 * 2**20  # four files of WAL: seconds of a busy primary
LAG_SECONDS = 60.0


def diagnose(look: Look, *, user: str, patroni: bool) -> list[Finding]:
    """Return what is wrong, the worst first; nothing for one server, or a primary whose standbys all follow it.

    user is that of DATABASE_URL, who may not be the one who replicates; patroni tells whether PATRONI_URLS is set.
    """
    nodes = look.nodes
    if not any(node.state == "running" for node in nodes):
        return [_nobody(nodes)]
    clusters = {node.system_identifier for node in nodes if node.system_identifier}
    if len(clusters) > 1:
        steps = ("Find out which one holds the catalog.", "Take the others out of DATABASE_URL.")
        return [Finding(problem=f"{choose_primary(nodes).reason}.", steps=steps)]
    claimants = sorted((n for n in nodes if n.writable), key=lambda node: node.timeline or 0, reverse=True)
    if not claimants:
        return [_no_primary(nodes, patroni=patroni)]
    if len(claimants) > 1:
        return [_two_primaries(claimants, user=user)]
    return list(_standbys(look, claimants[0], user=user, patroni=patroni))


def rebuilding(node: Node, primary: Node, *, user: str) -> tuple[str, ...]:
    """Return the commands that make a server a standby of the primary, to be run on the server's machine."""
    source = f"host={primary.host} port={primary.port} user={user} dbname=postgres"
    return (
        f"On {node.host}, as the user who runs PostgreSQL, with PGDATA set to its data folder: pg_ctl stop -m fast",
        f'pg_rewind --target-pgdata="$PGDATA" --source-server="{source}" --write-recovery-conf',
        (
            "If pg_rewind refuses (it needs wal_log_hints or data checksums, and the WAL since they parted): "
            f'mv "$PGDATA" "$PGDATA.old" && pg_basebackup -h {primary.host} -p {primary.port} -U {user} '
            '-D "$PGDATA" -R -X stream -c fast'
        ),
        f"pg_ctl start; then `scrapy catalog check` shows {node.address} as a standby.",
    )


def _nobody(nodes: tuple[Node, ...]) -> Finding:
    steps: tuple[str, ...]
    if any(node.state == "refused" for node in nodes):
        steps = (
            "A server answers and refuses: mend user, password and database in DATABASE_URL, or its pg_hba.conf.",
            "If the database is gone: `scrapy catalog backups`, then `scrapy catalog restore ID` makes it again.",
        )
    else:
        steps = (
            "See whether the machines run and can be reached from here, and whether the ports are right.",
            "Start Patroni (or PostgreSQL) on all of them, first where the primary was: Patroni chooses one by itself.",
            (
                "If none comes up, see the servers' logs; with the disks lost, make a new server and "
                "`scrapy catalog restore ID`."
            ),
        )
    return Finding(problem=f"No server takes connections: {reasons(nodes)}.", steps=steps)


def _no_primary(nodes: tuple[Node, ...], *, patroni: bool) -> Finding:
    problem = f"No server takes writes: {reasons(nodes)}."
    read_only = [node for node in nodes if node.role == "primary"]
    if read_only:
        (where, *_) = read_only
        free = "alter system reset default_transaction_read_only; select pg_reload_conf();"
        return Finding(problem=problem, steps=(f"Find out who made {where.address} read-only, then there: {free}",))
    best = max((n for n in nodes if n.role == "standby"), key=lambda node: (node.timeline or 0, node.lsn or 0))
    gone = ", ".join(str(node.address) for node in nodes if node.state != "running") or "the old primary"
    if patroni:
        return Finding(
            problem=problem,
            steps=(
                "Wait for Patroni's ttl: it promotes a standby by itself if a majority of its voters is alive.",
                f"`patronictl list`: are two voters up? Start {gone}.",
                (
                    f"If {gone} is lost for good: `patronictl failover --candidate` with the member at {best.address}, "
                    "which has the most."
                ),
            ),
        )
    return Finding(
        problem=problem,
        steps=(
            f"If {gone} can be started, start it: it holds everything.",
            f"If not, make sure that {gone} stays off: two primaries would part for good.",
            (
                f"Promote {best.address}, which has the most (timeline {best.timeline}, {best.lsn or 0:,} bytes of WAL "
                'replayed), on its machine: pg_ctl promote -D "$PGDATA"'
            ),
        ),
    )


def _two_primaries(claimants: list[Node], *, user: str) -> Finding:
    best, *others = claimants
    told = ", ".join(f"{node.address} (timeline {node.timeline})" for node in claimants)
    if (others[0].timeline or 0) == (best.timeline or 0):
        now = "Nobody writes until one is gone, or Patroni names one."
        which = "Nothing tells which one is right: compare their newest rows (`sightings.last_seen`), and keep one."
    else:
        now = f"Writes go to {best.address}, unless Patroni names another."
        which = f"{best.address} was promoted last: it is the right one, unless you know better."
    return Finding(
        problem=f"{len(claimants)} servers take writes: {told}. {now}",
        steps=(
            which,
            (
                f"What was written to the other ({others[0].address}) since they parted stands there alone: "
                "make a pg_dump of it before you go on."
            ),
            *rebuilding(others[0], best, user=user),
        ),
    )


def _standbys(look: Look, primary: Node, *, user: str, patroni: bool) -> Iterator[Finding]:
    for node in look.nodes:
        if node is primary:
            continue
        commands = rebuilding(node, primary, user=user)
        anew = ("`scrapy catalog recover --apply` has Patroni make it anew from the primary.",) if patroni else commands
        behind = (node.timeline or 0) < (primary.timeline or 0)
        if node.state != "running":
            yield Finding(
                problem=f"{node.address} does not serve ({node.state}: {node.last_error}). Writes go on without it.",
                steps=("Start its machine, and Patroni or PostgreSQL on it.", "If it does not come up:", *commands),
            )
        elif node.address not in look.streaming and behind:
            yield Finding(
                problem=f"{node.address} is left on the old timeline {node.timeline}, the primary {primary.address} is "
                f"on {primary.timeline}.",
                steps=anew,
                rebuild=node.address,
            )
        elif node.address not in look.streaming:
            yield Finding(
                problem=f"{node.address} is a standby and receives nothing from the primary {primary.address}.",
                steps=(
                    "See its log: a wrong primary_conninfo, a password or pg_hba.conf can be mended, and it follows.",
                    "If WAL that it needs is gone from the primary, it is made anew:",
                    *anew,
                ),
                rebuild=node.address,
            )
        elif (node.lag_bytes or 0) > LAG_BYTES or (node.lag_seconds or 0) > LAG_SECONDS:
            yield Finding(
                problem=f"{node.address} is {(node.lag_bytes or 0) / 2**20:,.0f} MiB and {node.lag_seconds or 0:,.0f} "
                "seconds behind the primary.",
                steps=(
                    "Look again in a minute (`scrapy catalog check`): if it catches up, it was a burst of writes.",
                    (
                        "If not: its disk or the network is too slow, or a long query on it holds replay up "
                        "(pg_stat_activity there)."
                    ),
                ),
            )
