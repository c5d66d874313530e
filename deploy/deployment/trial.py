"""A canary's proof: a job that crawls one page with the new version on the node, and how it ended."""

from __future__ import annotations

import asyncio
import re
import time
import uuid

from deploy.deployment.egg import Egg
from deploy.deployment.node_client import JobState, NodeClient, NodeError

SPIDER = "images"
ENDED_WELL = "finished"
ASK_AGAIN_SECONDS = 1.0
# What Scrapy's statistics say at the end of a log.
FINISH_REASON = re.compile(r"'finish_reason': '([^']*)'")
ERRORS = re.compile(r"'log_count/(?:ERROR|CRITICAL)': (\d+)")


def verdict(log: str) -> str:
    """Say what is wrong with a job, by the end of its log; empty: nothing is."""
    reasons = FINISH_REASON.findall(log)
    if not reasons:
        last = "\n".join(log.strip().splitlines()[-5:])
        return f"the trial crawl died: its log has no statistics. It ends: {last or 'nowhere, for it is empty'}"
    if reasons[-1] != ENDED_WELL:
        return f"the trial crawl ended with {reasons[-1]}, not {ENDED_WELL}"
    if errors := sum(map(int, ERRORS.findall(log))):
        return f"the trial crawl logged {errors} errors"
    return ""


class Trial:
    """Crawls an URL, one page of it, as a crawl of its own; it is a real one, with rows in the catalog."""

    def __init__(self, *, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds

    async def run(self, client: NodeClient, egg: Egg) -> str:
        """Say why the version must not go further; empty: it may. Raises NodeError."""
        job = f"trial-{uuid.uuid4().hex}"
        arguments = {"url": self._url, "max_pages": "1", "crawl_id": job}
        await client.schedule(SPIDER, job, version=egg.version, arguments=arguments)
        deadline = time.monotonic() + self._seconds
        while (ended := (await client.jobs()).get(job)) is None or ended.state is not JobState.FINISHED:
            if time.monotonic() > deadline:
                await client.cancel(job)
                return f"the trial crawl {job} did not end within {self._seconds:g} s"
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        if not ended.log_path:
            raise NodeError(f"the trial crawl {job} has ended, and the node gives no log to tell how")
        if status := await client.exit_status(job):
            return f"the trial crawl {job} ended with exit status {status}"
        return verdict(await client.log_end(ended.log_path))
