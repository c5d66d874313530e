"""What nodes run, without changing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from deploy.deployment.node_client import NodeClient, NodeError
from deploy.deployment.outcome import Outcome, Report, Show, State


async def survey(clients: Sequence[NodeClient], show: Show) -> Report:
    """Ask every node; it is well when all answer and run the same version, with the same hash as far as they tell.

    A fleet that runs nothing is well, too.
    """
    told = await asyncio.gather(*(_ask(client, show) for client in clients))
    outcomes = tuple(outcome for outcome, _ in told)
    versions = {outcome.runs for outcome in outcomes}
    hashes = {sha256 for _, sha256 in told if sha256}
    agree = len(versions) == 1 and len(hashes) <= 1
    return Report(
        version=versions.pop() if agree else None,
        sha256=hashes.pop() if agree and hashes else None,
        outcomes=outcomes,
        is_well=agree and all(one.state is State.READY for one in outcomes),
    )


async def _ask(client: NodeClient, show: Show) -> tuple[Outcome, str | None]:
    show.outcome(Outcome(target=client.target, state=State.ASKING))
    try:
        versions = await client.versions()
    except NodeError as error:
        outcome, sha256 = Outcome(target=client.target, state=State.FAILED, message=str(error)), None
    else:
        sha256 = (versions.hashes or {}).get(versions.current or "")
        kind = "stock Scrapyd, which tells no hash" if versions.is_stock else f"SHA-256 {sha256 or '-'}"
        has = f"{kind}; has {', '.join(versions.order) or 'no version'}"
        outcome = Outcome(
            target=client.target, state=State.READY, message=has, runs=versions.current, is_stock=versions.is_stock
        )
    show.outcome(outcome)
    return outcome, sha256
