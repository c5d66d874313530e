"""Every key in Redis: one table of name, type, lifetime and writer. docs/reference/redis-keys.md is checked against it.

`F` stands for the frontier's name, `{images:requests}`: one hash tag, so one slot of a Cluster. `S` is the fixed name
of the start URLs, `images:start_urls`; braces around the whole of a name hash to the same slot as the name itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One family of keys; words in <> are arguments."""

    name: str
    type: str  # as TYPE answers
    holds: str
    lifetime: str
    writer: str  # the scripts that may write it, delete it or set its lifetime; tests/lua_writers.py reads them


KEYS = (
    Key("F:counter", "string", "the last id given to a request", "for ever", "push"),
    Key(
        "F:payloads",
        "hash",
        "id -> host, crawl, priority (a line each) and payload",
        "until finished or dead",
        "finish, lease, leave, nack, push, reap, requeue",
    ),
    Key("F:queue:<crawl>/<host>", "zset", "id -> -priority", "until leased", "lease, leave, nack, push, reap, requeue"),
    Key(
        "F:host:<host>",
        "zset",
        "crawl with something queued -> last served, microseconds",
        "until empty",
        "lease, leave, nack, push, reap, requeue",
    ),
    Key(
        "F:ready",
        "zset",
        "host with something queued -> next allowed time, ms",
        "until empty or busy",
        "answered, finish, lease, leave, nack, push, reap, requeue, set_pace, turns",
    ),
    Key(
        "F:clock",
        "zset",
        "host that is not in F:ready -> next allowed time, ms",
        "until that time",
        "answered, finish, lease, leave, nack, push, reap, requeue, set_pace, turns",
    ),
    Key(
        "F:pace",
        "hash",
        "host -> version, ms between two requests, requests at a time, closed until, down or not, all that is known"
        " (JSON); of hosts that are not asked as the settings say",
        "until they are, or a week after the last change",
        "set_pace",
    ),
    Key("F:paces", "zset", "host -> version of its last change in F:pace", "as F:pace; the latest 10,000", "set_pace"),
    Key(
        "F:places:<worker>",
        "hash",
        "host -> places that the worker has for other requests than leases",
        "until given back",
        "leave, reap, turns",
    ),
    Key("F:waiting", "hash", "host -> workers that wait for a place there, each with a time", "seconds", "turns"),
    Key(
        "F:busy",
        "hash",
        "host -> requests under way: leases not answered yet, and F:places of all workers",
        "until 0",
        "answered, finish, lease, leave, nack, reap, turns",
    ),
    Key("F:delayed", "zset", "id -> due, ms", "until due", "lease, leave, nack, push, reap"),
    Key(
        "F:attempts", "hash", "id -> attempts that failed", "until finished or dead", "finish, lease, leave, nack, reap"
    ),
    Key(
        "F:losses",
        "hash",
        "id -> times that its worker died",
        "until finished or dead",
        "finish, lease, leave, nack, reap",
    ),
    Key(
        "F:dead",
        "list",
        "id, crawl, host, attempts, ms, cause (a line each) and payload",
        "the latest 10,000",
        "leave, nack, push, reap, requeue",
    ),
    Key(
        "F:workers",
        "zset",
        "worker -> ms until which it counts as alive",
        "until it leaves or is reaped",
        "finish, leave, nack, push, reap, renew",
    ),
    Key(
        "F:worker:<worker>",
        "hash",
        "report; number of the last push call with its result, of the last lease call, of the last finish or nack",
        "an hour after the last call",
        "finish, lease, leave, nack, push, reap, renew, turns",
    ),
    Key(
        "F:leases:<worker>",
        "hash",
        "id -> token, attempt, host, crawl, answered or not",
        "until finished or given back",
        "answered, finish, lease, leave, nack, reap",
    ),
    Key("F:crawls", "zset", "crawl -> created, ms", "minutes longer than F:crawl:<crawl>", "open_crawl, push, reap"),
    Key(
        "F:crawl:<crawl>",
        "hash",
        "state, arguments, outstanding, counters, times",
        "30 days after its end",
        "finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:parked:<crawl>",
        "set",
        "hosts whose requests of this crawl wait to be leased again, or dropped",
        "until unparked",
        "lease, leave, nack, push, reap, requeue",
    ),
    Key(
        "F:unparking",
        "set",
        "crawls that were resumed or stopped and still have parked hosts",
        "until unparked",
        "lease, set_state",
    ),
    Key(
        "F:ended",
        "set",
        "crawls whose end the catalog does not have yet",
        "until recorded, or as F:crawls",
        "finish, lease, leave, nack, open_crawl, push, reap, recorded, requeue, set_state",
    ),
    Key("F:fed", "zset", "batch of start URLs that was pushed -> ms", "an hour", "push"),
    Key(
        "F:seen:<crawl>",
        "hash",
        "size and fill of the crawl's filter",
        "SEEN_SECONDS after its end",
        "finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:seen:<crawl>/<layer>",
        "string",
        "a layer of the Bloom filter, up to 64 MiB",
        "as F:seen:<crawl>",
        "finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:seen:<crawl>/exact",
        "set",
        "fingerprints, 16 bytes each, when SEEN_ERROR_RATE is 0",
        "as F:seen:<crawl>",
        "finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:claim:<url>",
        "string",
        "who downloads an image URL, or what came of it",
        "ten minutes, or CLAIM_RESULT_SECONDS",
        "claim, settle",
    ),
    Key(
        "F:claimed:<crawl>",
        "hash",
        "claimed image URL -> worker, of a crawl with max_images",
        "until settled, or as F:crawl:<crawl>",
        "claim, finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state, settle",
    ),
    Key(
        "F:images:<crawl>",
        "set",
        "SHA-256 of the images of a crawl with max_images",
        "as F:crawl:<crawl>",
        "claim, finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state, settle",
    ),
    Key(
        "F:pages:<crawl>",
        "hash",
        "host -> pages that it was asked for, while HOST_MAX_PAGES is not 0",
        "as F:crawl:<crawl>",
        "finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:bytes:<crawl>",
        "hash",
        "worker and its number for the crawl -> bytes that it received, of a crawl with max_bytes",
        "as F:crawl:<crawl>",
        "count_bytes, finish, lease, leave, nack, open_crawl, push, reap, requeue, set_state",
    ),
    Key(
        "F:proxies",
        "hash",
        "name of a proxy -> its URL, credentials included",
        "until removed",
        "add_proxies, remove_proxies",
    ),
    Key("F:proxies:listed", "string", "changes of F:proxies, counted", "for ever", "add_proxies, remove_proxies"),
    Key(
        "F:proxies:totals",
        "hash",
        "proxy -> requests that were answered, banned and failed, ms of the first",
        "until removed, or 30 days after its last request",
        "remove_proxies, sync_proxies",
    ),
    Key(
        "F:proxies:hosts:<proxy>",
        "hash",
        "host -> the same of one proxy, for its last 1,000 hosts",
        "as F:proxies:totals",
        "remove_proxies, sync_proxies",
    ),
    Key(
        "F:proxies:recent:<proxy>",
        "zset",
        "host -> last asked through the proxy, ms",
        "as F:proxies:totals",
        "remove_proxies, sync_proxies",
    ),
    Key(
        "F:proxies:bans",
        "hash",
        "proxy and host (`*`: all) -> ms until which it rests, strikes, reason",
        "PROXY_BAN_MAX_SECONDS after its end",
        "sync_proxies",
    ),
    Key(
        "F:proxies:forgotten",
        "zset",
        "proxy, or proxy and host -> ms when its counts or its ban, were it lifted, are forgotten",
        "until then",
        "remove_proxies, sync_proxies",
    ),
    Key(
        "F:proxies:changed",
        "zset",
        "proxy, or proxy and host -> version in which its totals or its ban changed",
        "as F:proxies:forgotten",
        "remove_proxies, sync_proxies",
    ),
    Key("F:proxies:version", "string", "the last version", "for ever", "sync_proxies"),
    Key("F:proxies:probing", "string", "the worker that probes the proxies", "PROXY_PROBE_SECONDS", "may_probe"),
    Key("S", "list, set or zset", "start URLs, plain or JSON", "until taken", "anyone, take_start_urls"),
    Key(
        "{S}:taken",
        "hash",
        "batch of entries that a worker took -> the entries",
        "until settled",
        "settle_start_urls, take_start_urls",
    ),
    Key("{S}:taken_at", "zset", "batch -> ms", "until settled", "settle_start_urls, take_start_urls"),
    Key("{S}:settled", "zset", "batch -> ms", "an hour", "settle_start_urls"),
    Key("S:rejected", "list", "JSON of entries that were refused, with the reason", "the latest 10,000", "reject"),
)


def frontier_name(queue_key: str) -> str:
    """Wrap a frontier's name in braces, unless it has them: `images:requests` -> `{images:requests}`."""
    return queue_key if re.search(r"\{[^}]+\}", queue_key) else f"{{{queue_key}}}"
