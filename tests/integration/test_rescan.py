"""A rescan of real files by real decoding processes, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from image_spider import config
from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog
from image_spider.catalog.measurements import measure_all_anew
from image_spider.catalog.writes import write_items
from image_spider.decoders import Decoders
from image_spider.imaging.describe import describe
from image_spider.items import Image, Topic
from image_spider.rescan import Rescan, Rescanned
from image_spider.stores.local import LocalStore
from image_spider.stores.paths import image_path, thumbnail_path
from image_spider.topics.labeller import Labeller
from tests.samples import an_item
from tests.unit.imaging.drawings import saved, scene
from tests.unit.topics.onnx_models import beside, mean_colour

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><g/></svg>'
WORDS = Topic("nature", 0.7, "words")
FILES = [
    *(saved(scene(300, 200, seed), "PNG") for seed in range(3)),
    saved(scene(300, 200, 0), "JPEG", quality=60),  # the first one again
    saved(scene(300, 200, 1).resize((150, 100)), "PNG"),
    SVG,
]


def crawled(store: LocalStore, data: bytes) -> Image:
    found = describe(data, max_pixels=64_000_000)
    image = Image(
        sha256=found.sha256,
        path=image_path(found.sha256, found.extension),
        format=found.format,
        width=found.width,
        height=found.height,
        bytes=len(data),
        frames=found.frames,
        orientation=found.orientation,
        size_class=found.size_class,
        shape=found.shape,
        integrity=found.integrity,
        understanding=found.understanding,
    )
    store.write(image.path, data)
    return image


@pytest.fixture
def stored(catalog: Catalog, store: LocalStore) -> list[Image]:
    """Images as a crawl records them, one after the other."""
    found = [crawled(store, data) for data in FILES]
    for image in found:
        item = an_item(f"https://example.com/{image.sha256}", image=image, topics=(WORDS,))
        catalog.transaction(lambda connection, item=item: write_items(connection, [item]))
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beside(mean_colour(tmp_path_factory.mktemp("model") / "colours.onnx"), card={"threshold": 0.01})


def rows(catalog: Catalog, table: Any = schema.images) -> list[dict[str, Any]]:
    with catalog.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]


def rescan(
    catalog: Catalog, store: LocalStore, *, model: Path | None = None, batches: int | None = None
) -> list[Rescanned]:
    """Rescan; leave it after so many batches if a number is given."""

    async def run() -> list[Rescanned]:
        labeller = await Labeller.load(model, threads=1) if model else None
        decoders = Decoders(config.load({}))
        try:
            rescan = Rescan(catalog=catalog, store=store, decoders=decoders, labeller=labeller, link=True)
            assert await rescan.count() >= 0
            found: list[Rescanned] = []
            async for batch in rescan.batches():
                found.append(batch)
                if len(found) == batches:
                    break
            return found
        finally:
            decoders.close()
            if labeller:
                labeller.close()

    return asyncio.run(run())


def spoil(catalog: Catalog) -> None:
    """Make every row what an older version might have written, but for its links."""
    nothing = {"dhash_64": "0" * 16, "phash_256": "0" * 64, "part_0": 0, "quality": 0.0, "scores_version": 0}
    wrong = {"scores": {"width": 1.0}, "content": "blank", "dark": True, "rules_version": 0}
    statement = update(schema.images).where(schema.images.c.format != "svg").values(**nothing, **wrong)
    catalog.transaction(lambda connection: connection.execute(statement))


def told(batches: list[Rescanned]) -> tuple[int, list[str]]:
    return sum(batch.measured for batch in batches), [
        line for batch in batches for line in (*batch.damaged, *batch.unmeasured)
    ]


def test_measured_anew_a_catalog_is_what_the_crawl_made_it(catalog: Catalog, store: LocalStore, stored: list[Image]):
    before, topics = rows(catalog), rows(catalog, schema.topics)
    assert sum(row["duplicate_of"] is not None for row in before) == 2
    spoil(catalog)
    assert rows(catalog) != before
    assert told(rescan(catalog, store)) == (5, [])
    assert rows(catalog) == before
    assert rows(catalog, schema.topics) == topics


def test_thumbnails_that_were_deleted_are_made_again(
    catalog: Catalog, store: LocalStore, stored: list[Image], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("image_spider.catalog.measurements.BATCH_IMAGES", 2)
    measure_all_anew(catalog)
    assert told(rescan(catalog, store)) == (5, [])
    made = {image.path for image in stored if store.size(thumbnail_path(image.path))}
    assert made == {image.path for image in stored if image.format != "svg"}


def test_what_this_version_has_measured_is_not_read_again(catalog: Catalog, store: LocalStore, stored: list[Image]):
    for image in stored:
        store.remove(image.path)
    assert rescan(catalog, store) == []
    measure_all_anew(catalog)
    (measured, lines) = told(rescan(catalog, store))
    assert (measured, len(lines)) == (0, 5)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_left_in_between_it_goes_on_with_what_is_left(
    catalog: Catalog, store: LocalStore, stored: list[Image], after: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("image_spider.rescan.BATCH_IMAGES", 1)
    before = rows(catalog)
    spoil(catalog)
    assert told(rescan(catalog, store, batches=after)) == (after, [])
    assert rows(catalog) != before
    assert told(rescan(catalog, store)) == (5 - after, [])
    assert rows(catalog) == before


def test_missing_and_damaged_files_are_named_and_their_rows_stay(
    catalog: Catalog, store: LocalStore, stored: list[Image]
):
    missing, short, changed, folder, whole = (image.path for image in stored[:5])
    spoil(catalog)
    before = {row["path"]: row for row in rows(catalog)}
    data = (store.root / changed).read_bytes()
    store.remove(missing)
    (store.root / short).write_bytes(data[:100])
    (store.root / changed).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    store.remove(folder)
    (store.root / folder).mkdir()
    for _ in range(2):
        batches = rescan(catalog, store)
        lines = sorted(line for batch in batches for line in batch.damaged)
        named = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}
        assert set(named) == {str(store.root / path) for path in (missing, short, changed, folder)}
        assert named[str(store.root / missing)] == "missing"
        assert named[str(store.root / short)].startswith("100 bytes instead of")
        assert named[str(store.root / changed)] == "its SHA-256 is not that of its name"
    after = {row["path"]: row for row in rows(catalog)}
    assert {path for path in after if after[path] != before[path]} == {whole}


def test_a_file_that_cannot_be_decoded_is_named_and_its_row_stays(catalog: Catalog, store: LocalStore):
    broken = FILES[1][: len(FILES[1]) // 2]
    sha256 = hashlib.sha256(broken).hexdigest()
    whole = crawled(store, FILES[0])
    image = replace(whole, sha256=sha256, path=image_path(sha256, ".png"), bytes=len(broken), understanding=None)
    store.write(image.path, broken)
    catalog.transaction(lambda connection: write_items(connection, [an_item(image=image)]))
    before = rows(catalog)
    (batch,) = rescan(catalog, store)
    assert (batch.measured, batch.damaged) == (0, ())
    assert batch.unmeasured[0].startswith(f"{store.root / image.path}: truncated, ")
    assert rows(catalog) == before


def model_topics(catalog: Catalog) -> Iterator[tuple[str, str]]:
    return ((row["image_sha256"], row["topic"]) for row in rows(catalog, schema.topics) if row["source"] == "model")


def test_a_label_model_tells_the_topics_anew_and_those_of_words_stay(
    catalog: Catalog, store: LocalStore, stored: list[Image], model: Path
):
    stale = [
        an_item(
            f"https://example.com/{image.sha256}",
            image=replace(
                image,
                understanding=replace(image.understanding, label_model="old@1", topics=(Topic("stale", 0.9, "model"),)),
            ),
        )
        for image in stored
        if image.understanding
    ]
    catalog.transaction(lambda connection: write_items(connection, stale))
    before, words = rows(catalog), [row for row in rows(catalog, schema.topics) if row["source"] == "words"]
    assert rescan(catalog, store) == []  # without a model its topics are nobody's concern
    assert told(rescan(catalog, store, model=model)) == (5, [])
    topics = set(model_topics(catalog))
    assert {sha256 for sha256, _ in topics} == {item.image.sha256 for item in stale if item.image}
    assert {topic for _, topic in topics} <= {"red", "green", "blue"}
    assert [row for row in rows(catalog, schema.topics) if row["source"] == "words"] == words
    assert [row | {"label_model": None} for row in rows(catalog)] == [row | {"label_model": None} for row in before]
    assert {row["label_model"].partition("@")[0] for row in rows(catalog) if row["label_model"]} == {"colours"}
    assert rescan(catalog, store, model=model) == []
    spoil(catalog)
    assert told(rescan(catalog, store)) == (5, [])
    assert set(model_topics(catalog)) == topics
