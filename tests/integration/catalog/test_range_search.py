"""Exact range search: one suite, two databases."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence

import pytest

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.range_search import MOST_BITS, parts, search_statement, within, within_each
from image_spider.catalog.writes import write_items
from image_spider.items import Image
from tests.samples import a_picture, an_item, flipped


def write(catalog: Catalog, *images: Image) -> None:
    items = [an_item(f"https://example.com/{image.sha256}.jpg", image=image) for image in images]
    catalog.transaction(lambda connection: write_items(connection, items))


def place_of(part: int, number: int) -> int:
    """Return which bit of a hash is bit `number` of a part."""
    return next(bit for bit in range(64) if parts(f"{1 << bit:016x}")[part] == 1 << number)


def spread(word: int, changes: Sequence[int]) -> int:
    """Change this many bits of each of the four parts."""
    return flipped(word, [place_of(part, bit) for part, count in enumerate(changes) for bit in range(count)])


def test_the_parts_are_the_bits_of_a_hash_each_once():
    assert [bin(number) for number in parts("f" * 16)] == [bin(0xFFFF)] * 4
    assert sorted(place_of(part, bit) for part in range(4) for bit in range(16)) == list(range(64))


@pytest.mark.parametrize(
    "changes", [(1, 2, 2, 2), (2, 2, 2, 1), (0, 0, 0, 7), (7, 0, 0, 0), (1, 1, 1, 4), (0, 3, 4, 0)]
)
@pytest.mark.parametrize("word", [0, (1 << 64) - 1, 1 << 63, 0x8000_0000_0000_0001])
def test_seven_bits_are_found_however_they_are_spread(catalog: Catalog, word: int, changes: tuple[int, ...]):
    assert sum(changes) == MOST_BITS
    write(catalog, a_picture(1, 0, word))
    with catalog.reading() as connection:
        assert len(within(connection, f"{spread(word, changes):016x}")) == 1


def test_eight_bits_are_not_found_though_a_part_agrees(catalog: Catalog):
    write(catalog, a_picture(1, 0, 0))
    with catalog.reading() as connection:
        assert within(connection, f"{spread(0, (0, 0, 0, 8)):016x}") == []
        with pytest.raises(ValueError, match="exact up to 7 bits, not 8"):
            within(connection, "0" * 16, distance=8)


def test_the_search_returns_what_a_comparison_with_every_hash_does(catalog: Catalog):
    draw = random.Random(7)
    centres = [draw.getrandbits(64) for _ in range(20)]
    words = [flipped(draw.choice(centres), draw.sample(range(64), draw.randrange(12))) for _ in range(600)]
    pictures = {a_picture(n, draw.getrandbits(256), word).sha256: word for n, word in enumerate(words)}
    # phash_256 is random: all are originals
    write(catalog, *(a_picture(n, draw.getrandbits(256), word) for n, word in enumerate(words)))
    wanted = [flipped(draw.choice(centres), draw.sample(range(64), draw.randrange(8))) for _ in range(100)]
    with catalog.reading() as connection:
        for distance in (0, 3, 7):
            found = within_each(
                connection, {f"{n}": f"{word:016x}" for n, word in enumerate(wanted)}, distance=distance
            )
            expected = {
                (str(n), sha256)
                for n, word in enumerate(wanted)
                for sha256, other in pictures.items()
                if (word ^ other).bit_count() <= distance
            }
            assert expected
            assert sorted((row.wanted, row.sha256) for row in found) == sorted(expected)


@pytest.mark.parametrize("analyzed", [False, True])
def test_the_search_probes_its_four_indexes_and_scans_nothing(catalog: Catalog, analyzed: bool):
    draw = random.Random(5)
    write(catalog, *(a_picture(n, draw.getrandbits(256), draw.getrandbits(64)) for n in range(3000)))
    if analyzed:
        catalog.transaction(lambda connection: connection.exec_driver_sql("ANALYZE"))
    plan = plan_of_the_search(catalog)
    # PostgreSQL names the index of a partition after all its columns.
    assert set(re.findall(r"(?:ix_images|images_\d+)_part_(\d)", plan)) == {"0", "1", "2", "3"}
    assert "ix_images_duplicate_of" not in plan
    assert not re.search(r"SCAN (images|indexed)|Seq Scan|Hash Join|Bitmap", plan), plan


def plan_of_the_search(catalog: Catalog) -> str:
    with catalog.reading() as connection:
        compiled = search_statement(connection.dialect.name).compile(dialect=connection.dialect)
        wanted = {"words": json.dumps({str(n): n for n in range(200)}), "distance": 7}
        values = compiled.construct_params(wanted)
        parameters = tuple(values[name] for name in compiled.positiontup) if compiled.positional else values
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {compiled}", parameters)
        return "\n".join(str(row[-1]) for row in rows)
