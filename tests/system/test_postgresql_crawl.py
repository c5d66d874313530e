"""The same crawl with its catalog on PostgreSQL."""

from __future__ import annotations

import json

from sqlalchemy import func, select

from demo.server import DemoServer
from image_spider.catalog import schema
from image_spider.catalog.catalog import Catalog
from tests.project import ROOT, Project

EXPECTED = json.loads((ROOT / "demo/expected.json").read_text(encoding="utf-8"))


def test_a_crawl_fills_a_postgresql_catalog(project: Project, site: DemoServer, postgres_url: str):
    refused = project.crawl(site.url, "--nolog", DATABASE_URL=postgres_url)
    assert refused.returncode == 1
    assert "run `scrapy catalog upgrade`" in refused.stderr
    assert site.requests == []

    upgraded = project.run("catalog", "upgrade", DATABASE_URL=postgres_url)
    assert upgraded.returncode == 0, upgraded.stderr
    crawled = project.crawl(site.url, DATABASE_URL=postgres_url)
    assert crawled.returncode == 0, crawled.stderr
    with Catalog(postgres_url) as catalog, catalog.reading() as connection:
        stored = set(connection.scalars(select(schema.images.c.sha256)))
        failed = connection.execute(select(func.count()).select_from(schema.failures)).scalar()
    assert stored == {image["sha256"] for image in EXPECTED["images"].values()}
    assert failed == len(EXPECTED["failures"]) + len(EXPECTED["page_failures"])
    assert project.run("report", DATABASE_URL=postgres_url).returncode == 0
