"""A PostgreSQL catalog of a million images, made by the server itself in a minute or two."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, text

from image_spider.catalog import migrate
from image_spider.catalog.catalog import Catalog
from image_spider.imaging.analysis import SCORES_VERSION

# Draws are hashes of the row's number, so that each run makes the same rows; a cube of one gives few common values and
# many rare ones, as hosts and crawls are. One image in ten is a duplicate of the one before it.
_FILL = r"""
INSERT INTO crawls SELECT 'crawl-' || n, 'completed', '[]', NULL, NULL, '[]', 'site', false, true, 0, 0, 0, 0, 0, '',
    now() - n * interval '1 hour', now() FROM generate_series(0, 120) n;
CREATE FUNCTION draw(n bigint, kind int) RETURNS float LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended(n, kind) & 1048575) / 1048576.0;
CREATE FUNCTION pick(choices text[], place float) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN choices[1 + (array_length(choices, 1) * place)::int % array_length(choices, 1)];
CREATE TEMPORARY TABLE phrases ON COMMIT DROP AS
    SELECT n, (SELECT string_agg('word' || (20000 * draw(n, w) ^ 3)::int, ' ') FROM generate_series(1, 8) w) AS words
    FROM generate_series(0, 9999) n;
CREATE FUNCTION sha(n bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN encode(sha256(n::text::bytea), 'hex');

INSERT INTO images (sha256, path, format, width, height, bytes, frames, orientation, size_class, shape, integrity,
    pixel_hash, phash_256, phash_64, dhash_64, part_0, part_1, part_2, part_3, scores, blurry, soft, dark, light,
    low_information, grayscale, upscaled, heavily_compressed, quality, content, rules_version, scores_version,
    duplicate_of, duplicate_kind, duplicate_distance, first_seen, last_seen)
SELECT sha(n), sha(n) || '.jpg', pick('{{jpeg,jpeg,jpeg,png,webp,gif,avif,bmp}}', draw(n, 1) ^ 2), 640, 480, 100000,
    1, 1,
    pick('{{medium,small,large,thumbnail,xlarge,icon,tracker}}', draw(n, 2) ^ 2),
    pick('{{landscape,portrait,square,banner}}', draw(n, 3) ^ 2), 'ok', md5(n::text), sha(-n), left(sha(-n), 16),
    right(sha(-n), 16), (65535 * draw(n, 10))::int, (65535 * draw(n, 11))::int, (65535 * draw(n, 12))::int,
    (65535 * draw(n, 13))::int, scores,
    draw(n, 4) < 0.05, false, false, false, false, false, false, false, draw(n, 5),
    pick('{{photo,graphic,illustration,icon,screenshot,document,blank}}', draw(n, 6) ^ 3), 1, {scores_version},
    CASE WHEN n % 10 = 0 THEN sha(n - 1) END, CASE WHEN n % 10 = 0 THEN 'near' END, CASE WHEN n % 10 = 0 THEN 40 END,
    timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' + n * interval '1 second'
FROM generate_series(1, {images}) n,
    (SELECT json_object_agg('score_' || s, draw(0, s)) AS scores FROM generate_series(20, 55) s) s;

INSERT INTO topics SELECT sha(n), pick('{{nature,people,travel,food,animals,sports,art,science}}', draw(n, 7) ^ 2),
    'words', draw(n, 8) FROM generate_series(1, {images}) n WHERE draw(n, 9) < 0.6;

INSERT INTO sightings (id, image_sha256, image_url, image_url_key, page_url, crawl_id, source, alt, title, caption,
    text, page_title, alternatives, seen_at, last_seen, fetched_at)
SELECT md5('s' || s.n), sha(1 + s.n % {images}),
    'https://host' || (2000 * draw(s.n, 14) ^ 3)::int || '.example/' || s.n || '.jpg',
    md5('u' || s.n), 'https://host.example/page/' || s.n / 20, 'crawl-' || s.n / 12500, 'img',
    alt.words, '', caption.words, alt.words || caption.words || title.words, title.words, '[]',
    timestamptz '2026-01-01' + s.n * interval '1 second', timestamptz '2026-01-01' + s.n * interval '1 second',
    timestamptz '2026-01-01' + s.n * interval '1 second'
FROM generate_series(0, {images} * 3 / 2) AS s (n) JOIN phrases alt ON alt.n = s.n * 7 % 10000
    JOIN phrases caption ON caption.n = s.n * 11 / 3 % 10000 JOIN phrases title ON title.n = s.n / 20 % 10000;

INSERT INTO failures SELECT md5('f' || n), 'https://host.example/' || n || '.jpg', 'https://host.example/', 'status',
    'HTTP 404', 'crawl-' || n % 120, now(), now() FROM generate_series(1, {images} / 10) n;
"""


def fill(catalog: Catalog, *, images: int) -> None:
    """Make the tables of revision 0003 and fill them: what is left to do is the upgrade of a catalog of this size."""
    catalog.transaction(partial(migrate.upgrade, to="0003"))
    catalog.transaction(partial(_fill, images=images))


def _fill(connection: Connection, *, images: int) -> None:
    for index in connection.scalars(text("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_images_%'")).all():
        connection.execute(text(f"DROP INDEX {index}"))  # the upgrade makes them anew
    connection.execute(text("SET LOCAL session_replication_role = replica"))  # no row is checked for its references
    for statement in _FILL.format(images=images, scores_version=SCORES_VERSION).strip().split(";\n"):
        connection.exec_driver_sql(statement.replace("%", "%%"))
