"""Which scripts may write which keys, read from the Lua of image_spider/broker: the scripts with what they include.

It knows the house's way of writing Lua, no more: `local function` and its `end` stand at the left edge, keys are joined
from literals and names, and a command's name is a literal before its key, or the name `verb`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import product

from image_spider.broker.keys import KEYS
from image_spider.broker.scripts import load

WRITES = {
    "DEL", "HDEL", "HINCRBY", "HSET", "HSETNX", "INCRBY", "LPUSH", "LREM", "LSET", "LTRIM", "PERSIST", "PEXPIRE",
    "RPUSH", "SADD", "SET", "SETBIT", "SPOP", "SREM", "UNLINK", "ZADD", "ZPOPMAX", "ZPOPMIN", "ZREM",
    "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE",
}  # fmt: skip
READS = {
    "EXISTS", "GET", "GETRANGE", "HEXISTS", "HGET", "HGETALL", "HLEN", "HMGET", "HSCAN", "HVALS", "LLEN", "LRANGE",
    "SCARD", "SISMEMBER", "SRANDMEMBER", "TIME", "TYPE", "ZCARD", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGE", "ZSCORE",
}  # fmt: skip
_FUNCTION = re.compile(r"^local function (\w+)\([^\n]*\n(.*?)^end$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:call\(|{[^{}\n]*)(?:'([A-Z]+)'|verb)(?:, )?")


def written(script: str) -> set[str]:
    """Return the families of keys, as broker/keys.py names them, that a script may write, delete or let expire."""
    text = _reachable(load(script).text)
    names = _names(text)
    patterns = set()
    for found in _COMMAND.finditer(text):
        verb, arguments = found[1], _split(text[found.end() :])
        assert verb in {None, *WRITES, *READS}, f"does {verb} write?"
        if verb not in READS:
            for key in arguments if verb == "DEL" else arguments[:1]:
                resolved = _resolved(key, names)
                patterns |= {one for one in resolved if one[0] in "F{"} or resolved
    if "KEYS[1] start URLs" in text:
        patterns = {pattern.replace("F", "S") for pattern in patterns}
    families = {re.sub(r"<\w+>", "*", key.name): key.name for key in KEYS}
    unknown = patterns - families.keys()
    assert not unknown, f"{script} writes keys that stand in no row: {unknown}"
    return {families[pattern] for pattern in patterns}


def _reachable(text: str) -> str:
    """Leave out comments but the header, and functions that are never called."""
    header = "".join(re.findall(r"^-- KEYS.*\n", text, re.MULTILINE))
    code = re.sub(r"(^|\s)--.*", "", text)
    functions = {found[1]: found[2] for found in _FUNCTION.finditer(code)}
    live = _FUNCTION.sub("", code)
    while called := [name for name in functions if re.search(rf"\b{name}\b", live)]:
        live += "".join(functions.pop(name) for name in called)
    return header + live


def _names(text: str) -> dict[str, set[str]]:
    """Return what may stand behind a name; of `a[b].key` the last part counts."""
    names = defaultdict(set)
    for left, right in re.findall(r"^ *(?:local )?([\w.\[\], ]+?) = (.+)$", text, re.MULTILINE):
        for name, value in zip(left.split(","), _split(right), strict=False):
            names[_last(name)].add(value)
    for name, value in re.findall(r"{(\w+) = (F \.\. [^,}]+)", text):
        names[name].add(value)
    return names


def _resolved(expression: str, names: dict[str, set[str]], depth: int = 0) -> set[str]:
    """Return the key patterns of an expression: F, literals, and * for what is not known."""
    parts: list[set[str]] = []
    for part in expression.split(" .. "):
        if part == "F" or part.startswith("'"):
            parts.append({part.strip("'")})
            continue
        values = {value for value in names.get(_last(part), ()) if "'" in value and "call(" not in value}
        parts.append({one for value in values if depth < 2 for one in _resolved(value, names, depth + 1)} or {"*"})
    return {"".join(one) for one in product(*parts)}


def _last(name: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", name).strip().rpartition(".")[2]


def _split(text: str) -> list[str]:
    """Split arguments at their commas, up to the bracket that ends them or to the end of the line."""
    parts, depth = [""], 0
    for letter in text.partition("\n")[0]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            break
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
