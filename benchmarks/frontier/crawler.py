"""A worker of a contestant: `python -m benchmarks.frontier.crawler CONTESTANT START_URL REPORT [NAME=VALUE ...]`.

CONTESTANT is memory, scrapy-redis or ours; REPORT the file that gets what the spider counted, as JSON. Without a
START_URL ("") a worker of ours waits for requests until SIGTERM. All settings but the scheduler's are the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings

from benchmarks.frontier.links import LinksSpider

SAME = {
    "CONCURRENT_REQUESTS": 16,
    "HOST_DELAY_SECONDS": 0,
    "HOST_CONCURRENCY": 1000,  # one host: a lease that waits in the buffer holds a place, too
    "SEEN_ERROR_RATE": 1e-9,  # else one crawl in twenty lacks a page by design, and none may
    "ROBOTSTXT_OBEY": False,
    "ITEM_PIPELINES": {},
    "EXTENSIONS": {"image_spider.extensions.retries.Retries": 0},
    "MEMUSAGE_ENABLED": False,
    "LOGSTATS_INTERVAL": 0,
    "LOG_LEVEL": "WARNING",
    "CONTACT_URL": "http://127.0.0.1/",
}
SCRAPY_REDIS = {
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
    "SCHEDULER_PERSIST": True,  # else closing costs it a round trip more
}


def main() -> None:
    """Crawl and report."""
    contestant, start_url, report, *words = sys.argv[1:]
    values: dict[str, object] = {**SAME, **dict(word.split("=", 1) for word in words)}
    if contestant == "scrapy-redis":
        # Under this name: REDIS_URL would bring our scheduler.
        values |= {**SCRAPY_REDIS, "REDIS_PORT": int(str(values.pop("REDIS_URL")).rsplit(":", 1)[1].split("/")[0])}
    settings = get_project_settings()
    settings.setdict(values, "cmdline")
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(LinksSpider)
    process.crawl(crawler, **({"url": start_url} if start_url else {}))
    process.start()
    spider = crawler.spider
    assert isinstance(spider, LinksSpider)
    (cpu_first, first), (cpu_last, last) = spider.began, spider.ended
    figures = {"pages": spider.pages, "cpu_seconds": cpu_last - cpu_first, "seconds": last - first}
    Path(report).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
