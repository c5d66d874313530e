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
    case,
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
# million pictures the median look-up then touched 2,800 index entries of dhash_64. Parts that take every fourth bit
# of a row, shifted from row to row, touch 1,300. A hash is 8 rows of 8 bits.
_PLACES = tuple(
    tuple(8 * row + place for row in range(8) for place in range(8) if (place + 2 * row + row // 4) % 4 == part)
    for part in range(4)
)
FOUND = (
    "sha256",
    "pixel_hash",
    "phash_256",
    "frames",
    "width",
    "height",
    "scores_version",
)  # columns that a search returns
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

    All hashes come in one parameter, so that the statement is always the same. Little is left to the planners, as they
    went wrong: with an OR over the parts, or an index that lacks the other three, the row of every entry touched is
    read (7 ms a look-up instead of 2, from memory); as a plain join, PostgreSQL turned a batch of 200 into a hash join
    with the whole table (25 ms each). So each part is a branch of its own; its probes are a loop that cannot be turned
    round (LATERAL ... OFFSET 0; SQLite has only loops, and no index on the other side); it reads nothing but an index
    that holds the whole hash; and rows are read only of what it found.
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
    found = union(*(_branch(part, wanted, flips, on_postgresql) for part in PARTS)).subquery("found")
    same_hash = and_(images.c.duplicate_of.is_(None), *(images.c[part] == found.c[part] for part in PARTS))
    kept = [images.c[name] for name in FOUND]
    if on_postgresql:
        original = select(*kept).where(same_hash).offset(0).lateral("original")
        return select(found.c.wanted, *original.c).join_from(found, original, true())
    return select(found.c.wanted, *kept).join_from(found, images, same_hash)


def _branch(part: str, wanted: CTE, flips: CTE, on_postgresql: bool) -> Select[Any]:
    """Return the hashes whose index entries the 17 probes of this part meet, as far as they are near enough.

    Three parts in one number, as a fourth would reach the sign; in this one the flip tells.
    """
    indexed = images.alias("indexed")
    first, second, third = (cast(_xor(indexed.c[name], wanted.c[name]), BigInteger) for name in PARTS if name != part)
    others = first.bitwise_lshift(32) + second.bitwise_lshift(16) + third
    differing = func.bit_count(cast(others, BIT(48)) if on_postgresql else others) + case(
        (flips.c.flip > 0, 1), else_=0
    )
    met = and_(
        indexed.c.duplicate_of.is_(None),
        indexed.c[part] == _xor(wanted.c[part], flips.c.flip),
        differing <= bindparam("distance"),
    )
    probes = wanted.join(flips, true())
    if on_postgresql:
        entry = select(*(indexed.c[name] for name in PARTS)).where(met).offset(0).lateral("entry")
        return select(wanted.c.wanted, *entry.c).select_from(probes.join(entry, true()))
    return select(wanted.c.wanted, *(indexed.c[name] for name in PARTS)).select_from(probes.join(indexed, met))


def _xor(left: ColumnElement[int], right: ColumnElement[int]) -> ColumnElement[int]:
    """SQLite has no such operator."""
    return left.bitwise_or(right) - left.bitwise_and(right)
