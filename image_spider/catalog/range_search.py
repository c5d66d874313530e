"""Exact range search over 64-bit hashes by four ordinary indexes, on SQLite and PostgreSQL alike.

Two hashes that differ in at most 7 bits differ in at most one bit of one of their four parts of 16 bits (7 < 4 * 2), so
4 x 17 look-ups of a part find every such hash: multi-index hashing, Norouzi, Punjani and Fleet 2012. Only originals
are searched and indexed (duplicate_of is null): a picture that is on ten thousand sites costs what one on one site
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import BIT

from image_spider.catalog.schema import PARTS, images

MOST_BITS = 7
# Neighbouring bits of a hash are alike (a gradient sets a whole row), so 16 of them have few common values: among a
# million pictures the median look-up then touched 3,000 index entries of dhash_64. Parts that take every fourth bit
# of a row, shifted from row to row, touch 1,300. A hash is 8 rows of 8 bits.
_PLACES = tuple(
    tuple(8 * row + place for row in range(8) for place in range(8) if (place + 2 * row + row // 4) % 4 == part)
    for part in range(4)
)
FOUND = ("sha256", "pixel_hash", "phash_256", "frames", "width", "height")  # columns that a search returns
_FLIPS = (0, *(1 << bit for bit in range(16)))


def parts(hash_64: str) -> tuple[int, int, int, int]:
    """Split a 64-bit hash, 16 hex digits, into the four 16-bit numbers of part_0 .. part_3."""
    bits = f"{int(hash_64, 16):064b}"
    first, second, third, fourth = (int("".join(bits[place] for place in places), 2) for places in _PLACES)
    return first, second, third, fourth


def within(connection: Connection, hash_64: str, *, distance: int = MOST_BITS) -> Sequence[Row[Any]]:
    """Return every original whose searched hash differs from this one in at most `distance` bits, up to 7."""
    return within_each(connection, {"": hash_64}, distance=distance)


def within_each(connection: Connection, wanted: Mapping[str, str], *, distance: int = MOST_BITS) -> Sequence[Row[Any]]:
    """Search for many hashes, each under a name of its own, by one statement.

    Rows: wanted (the name), then the columns FOUND of an original. Raises ValueError for a distance that the search
    does not cover.
    """
    if not 0 <= distance <= MOST_BITS:
        raise ValueError(f"the search is exact up to {MOST_BITS} bits, not {distance}")
    words = {name: _word(hash_64) for name, hash_64 in wanted.items()}
    if not words:
        return ()
    return connection.execute(search_statement(connection.dialect.name), {"words": words, "distance": distance}).all()


def _word(hash_64: str) -> int:
    """Return the four parts in one number, part_0 lowest; signed, as both databases have no other."""
    word = sum(part << 16 * place for place, part in enumerate(parts(hash_64)))
    return word - (1 << 64) if word >> 63 else word


@cache  # to build and compile it takes longer than to run it
def search_statement(dialect: str) -> Select[Any]:
    """Return the search: index probes for each part, and the rows of the hashes that they found.

    All hashes come in one parameter, so that the statement is always the same. One OR over the four parts would be
    left to the planner: PostgreSQL's bitmap OR reads the row of every entry touched (7 ms instead of 2), and as a
    plain join a batch of 200 becomes a hash join over the whole table (25 ms each). So each part is a branch of its
    own; its probes are a loop that cannot be turned round (LATERAL ... OFFSET 0; SQLite only has loops, and no index
    on the other side); it reads nothing but an index that holds the whole hash; and rows are read only of what it
    found.
    """
    on_postgresql = dialect == "postgresql"
    listed = (func.json_each_text if on_postgresql else func.json_each)(bindparam("words", type_=JSON))
    entry = listed.table_valued("key", "value")
    word = cast(entry.c.value, BigInteger)
    numbers = [cast(word.bitwise_rshift(16 * place).bitwise_and(0xFFFF), Integer) for place in range(len(PARTS))]
    named = (number.label(part) for number, part in zip(numbers, PARTS, strict=True))
    wanted = select(entry.c.key.label("wanted"), *named).cte("wanted")
    # Not VALUES: a statement that holds it is compiled at every use, for 10 ms.
    flips = union_all(*(select(literal_column(str(flip), Integer).label("flip")) for flip in _FLIPS)).cte("flips")
    branch = _branch_on_postgresql if on_postgresql else _branch_on_sqlite
    found = union(*(branch(part, wanted, flips) for part in PARTS)).subquery("found")
    same_hash = and_(images.c.duplicate_of.is_(None), *(images.c[part] == found.c[part] for part in PARTS))
    kept = [images.c[name] for name in FOUND]
    if on_postgresql:
        original = select(*kept).where(same_hash).offset(0).lateral("original")
        return select(found.c.wanted, *original.c).join_from(found, original, true())
    return select(found.c.wanted, *kept).join_from(found, images, same_hash)


def _branch_on_postgresql(part: str, wanted: CTE, flips: CTE) -> Select[Any]:
    indexed = images.alias("indexed")
    differing = [func.bit_count(cast(indexed.c[name].bitwise_xor(wanted.c[name]), BIT(16))) for name in PARTS]
    entry = (
        select(*(indexed.c[name] for name in PARTS))
        .where(
            indexed.c.duplicate_of.is_(None),
            indexed.c[part] == wanted.c[part].bitwise_xor(flips.c.flip),
            differing[0] + differing[1] + differing[2] + differing[3] <= bindparam("distance"),
        )
        .offset(0)
        .lateral("entry")
    )
    return select(wanted.c.wanted, *entry.c).select_from(wanted.join(flips, true()).join(entry, true()))


def _branch_on_sqlite(part: str, wanted: CTE, flips: CTE) -> Select[Any]:
    """Count bits by arithmetic (Warren, Hacker's Delight, 5-1), as SQLite has no function for it.

    One in Python would take the interpreter's lock for each entry touched, and wait 5 ms for it whenever another
    thread computes. The other three parts, 48 bits, stay clear of SQLite's change to floating point. OFFSET 0 keeps
    the steps from being copied into each other, where they would be computed eight times.
    """
    indexed = images.alias("indexed")
    others = [_xor(indexed.c[name], wanted.c[name]) for name in PARTS if name != part]
    step = (
        select(
            wanted.c.wanted,
            *(indexed.c[name] for name in PARTS),
            (flips.c.flip > 0).label("flipped"),
            (others[0].bitwise_lshift(32) + others[1].bitwise_lshift(16) + others[2]).label("bits"),
        )
        .join_from(wanted, flips, true())
        .join(indexed, and_(indexed.c.duplicate_of.is_(None), indexed.c[part] == _xor(wanted.c[part], flips.c.flip)))
        .offset(0)
        .subquery()
    )
    for shift, mask in ((1, 0x555555555555), (2, 0x333333333333), (4, 0x0F0F0F0F0F0F)):
        bits = step.c.bits.bitwise_and(mask) + step.c.bits.bitwise_rshift(shift).bitwise_and(mask)
        kept = [item for item in step.c if item.name != "bits"]
        step = select(*kept, bits.label("bits")).offset(0).subquery()
    # Each byte now holds its own count, and 256 is 1 modulo 255: the remainder is their sum.
    differing = step.c.bits % 255 + step.c.flipped
    return select(step.c.wanted, *(step.c[name] for name in PARTS)).where(differing <= bindparam("distance"))


def _xor(left: ColumnElement[int], right: ColumnElement[int]) -> ColumnElement[int]:
    """SQLite has no such operator."""
    return left.bitwise_or(right) - left.bitwise_and(right)
