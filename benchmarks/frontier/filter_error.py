"""The error of the Bloom filter with millions of keys, by the script that `push` runs, without the queue."""

from __future__ import annotations

import hashlib
import time

import redis

from image_spider.broker import scripts
from image_spider.broker.bloom import layers

STATED = 1e-4
STEP = 2000
SCRIPT = """
-- include clock
-- include endings
-- include filter
local filter, new = filter_of('c', ARGV[1], -1), 0
for index = 2, #ARGV do
  if remember(filter, ARGV[index], ARGV[1]) then
    new = new + 1
  end
end
save_filters()
return new
"""


def measure_filter(connection: redis.Redis, *, keys: int) -> str:
    """Add `keys` keys, then a fifth as many new ones: how many of those are taken for known?"""
    script = scripts.compose(SCRIPT)
    sizes = ";".join(f"{layer.bits} {layer.hashes} {layer.capacity}" for layer in layers(STATED))

    def add(first: int, count: int) -> int:
        new = 0
        for start in range(first, first + count, STEP):
            prints = [hashlib.md5(b"%d" % number).digest() for number in range(start, start + STEP)]
            new += int(connection.eval(script.text, 1, "{bench}", sizes, *prints))
        return new

    connection.flushall()
    started = time.perf_counter()
    added = add(0, keys)
    seconds = time.perf_counter() - started
    known = add(0, keys // 10)
    probes = keys // 5
    wrong = probes - add(keys, probes)
    memory = sum(int(connection.strlen(key)) for key in connection.scan_iter("{bench}:seen:c/*"))
    return (
        f"Bloom filter: {keys:,} keys ({keys - added:,} errors while filling), {memory / 2**20:.0f} MiB,"
        f" {seconds / keys * 1e6:.1f} us per key; {wrong} of {probes:,} new keys taken for known:"
        f" {wrong / probes:.1e} (stated {STATED:.0e}); {known} of {keys // 10:,} known ones taken for new"
    )
