"""Images that have a row and are measured anew: which they are, in what order, and how they are written.

`images.scores_version` tells by which version of the measuring a row was measured; null asks for it. It is written with
the scores, hashes and links, in one transaction, so a rescan may be killed at any point: what it has done carries the
version of this code, and the next one goes on with the rest. A row never stands half anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, func, not_, or_, select, update

from image_spider.catalog.catalog import Catalog
from image_spider.catalog.duplicates import link_duplicates, lock_search
from image_spider.catalog.planner import expect_batches
from image_spider.catalog.queries import IMAGE_COLUMNS
from image_spider.catalog.schema import images
from image_spider.catalog.writes import duplicate_columns, understanding_columns, write_model_topics
from image_spider.imaging.analysis import SCORES_VERSION
from image_spider.items import Image

BATCH_IMAGES = 500  # asked for in one transaction
_DECODED = images.c.format != "svg"
_duplicate, _original = images.alias("duplicate"), images.alias("original")
_NAMED = select(_duplicate.c.sha256).where(_duplicate.c.duplicate_of == images.c.sha256).exists()

STAGES: tuple[ColumnElement[bool], ...] = (
    and_(images.c.duplicate_of.is_(None), _NAMED),
    and_(images.c.duplicate_of.is_(None), not_(_NAMED)),
    images.c.duplicate_of.is_not(None),
)
"""The order of a rescan: originals that duplicates name, other originals, duplicates; each by SHA-256.

A link is decided when its row is measured, against originals that this version has measured already. In this order
those are all that there will be, and what an interrupted rescan has linked does not move a row to another stage; so
the outcome does not depend on where it was interrupted.
"""


def measure_all_anew(catalog: Catalog) -> None:
    """Ask for every image that is decoded to be measured anew; what is recorded of it stays until then.

    In batches, each a transaction: one for the whole table would hold other writers up for as long as it takes. Ended
    in between, it has asked for the first images only.
    """
    after = ""
    while last := catalog.transaction(partial(_ask_anew, after=after)):
        after = last


def _ask_anew(connection: Connection, *, after: str) -> str:
    """Ask for the images of the next batch; return the last of their SHA-256, "" at the end."""
    some = select(images.c.sha256).where(images.c.sha256 > after).order_by(images.c.sha256).limit(BATCH_IMAGES)
    last: str = connection.scalar(select(func.max(some.subquery().c.sha256))) or ""
    if last:
        batch = (_DECODED, images.c.sha256 > after, images.c.sha256 <= last)
        connection.execute(update(images).where(*batch).values(scores_version=None))
    return last


def count_outdated(connection: Connection, *, label_model: str | None) -> int:
    """Return how many images are to be measured: by this version, and by the label model if one is named."""
    return connection.scalar(select(func.count()).select_from(images).where(_outdated(label_model))) or 0


def next_outdated(
    connection: Connection, *, stage: int, after: str, label_model: str | None, limit: int
) -> Sequence[Image]:
    """Return the next images of a stage, an index of STAGES, that are to be measured, by SHA-256."""
    query = select(*IMAGE_COLUMNS).where(images.c.sha256 > after, _outdated(label_model), STAGES[stage])
    return [Image(*row) for row in connection.execute(query.order_by(images.c.sha256).limit(limit))]


def write_measurements(connection: Connection, measured: Sequence[Image], *, link: bool) -> None:
    """Write what was understood of images that have a row, and link them anew if asked to.

    All of them have an understanding. Topics of the label model are replaced if there was one, and stay otherwise;
    topics of words stay. Only rows that no row names as its original are linked: were one linked that others name, they
    would stand in a chain, at an unknown distance from the image at its end. So groups keep their original, even if it
    now resembles another one. A duplicate comes to the closest of all originals, where the crawl knew fewer of them.
    It keeps its link while its original was not measured by this version (its file is missing, for example): there is
    nothing to compare it with, and the old hashes told that the two are alike.
    """
    if not measured:
        return
    expect_batches(connection)
    linked: list[Image] = []
    if link:
        lock_search(connection)  # before the look who is named: another worker may be naming one
        free = _free_to_link(connection, [image.sha256 for image in measured])
        linked = [image for image in measured if image.sha256 in free]
    # Before these rows have the version: they are compared with each other in their order, not found as rows.
    links = link_duplicates(connection, linked, scores_version=SCORES_VERSION)
    connection.execute(_MEASURED, [_row(image.sha256, _measured_columns(image)) for image in measured])
    write_model_topics(connection, measured)
    if linked:
        found = [_row(image.sha256, duplicate_columns(links.get(image.sha256))) for image in linked]
        connection.execute(_LINKED, found)


def _outdated(label_model: str | None) -> ColumnElement[bool]:
    measured = images.c.scores_version.is_distinct_from(SCORES_VERSION)
    if label_model is None:
        return and_(_DECODED, measured)
    return and_(_DECODED, or_(measured, images.c.label_model.is_distinct_from(label_model)))


def _free_to_link(connection: Connection, sha256s: Sequence[str]) -> set[str]:
    """Return those that may be linked anew; one that this version has measured before has been."""
    comparable = or_(images.c.duplicate_of.is_(None), _original.c.scores_version == SCORES_VERSION)
    query = (
        select(images.c.sha256)
        .outerjoin(_original, images.c.duplicate_of == _original.c.sha256)
        .where(images.c.sha256.in_(sha256s), images.c.scores_version.is_distinct_from(SCORES_VERSION))
        .where(not_(_NAMED), comparable)
    )
    return set(connection.scalars(query))


def _measured_columns(image: Image) -> dict[str, Any]:
    return {name: value for name, value in understanding_columns(image.understanding).items() if name != "label_model"}


def _row(sha256: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {"image": sha256} | {f"new_{name}": value for name, value in columns.items()}


def _update(names: Sequence[str]) -> Update:
    values = {name: bindparam(f"new_{name}", type_=images.c[name].type) for name in names}
    return update(images).where(images.c.sha256 == bindparam("image")).values(values)


_MEASURED = _update([name for name in understanding_columns(None) if name != "label_model"])
_LINKED = _update(list(duplicate_columns(None)))
