"""Scrapy settings of the project. What a user sets stands in config.py; what it implies, in addons.py."""

from __future__ import annotations

import sys

from image_spider import config
from image_spider.exceptions import ShadowedEgg, UsageError
from image_spider.origin import find_origin

try:
    find_origin(sys.path)  # a node that takes the egg runs `scrapy list`, and so is told at once
    _config = config.load()
except (ShadowedEgg, UsageError) as error:
    print(f"image_spider: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(2 if isinstance(error, UsageError) else 1)  # 2: nobody need try again (deploy/systemd, deploy/k8s/task)

# Project
BOT_NAME = "image_spider"
SPIDER_MODULES = ["image_spider.spiders"]
NEWSPIDER_MODULE = "image_spider.spiders"
COMMANDS_MODULE = "image_spider.commands"
ADDONS = {"image_spider.addons.ProjectSettings": 0, "image_spider.addons.SharedFrontier": 1}

# What the user set: each key of Config is a setting of the same name.
globals().update(_config.model_dump(mode="json", exclude_unset=True))

# Who we are. The add-on sets USER_AGENT, with the contact URL.
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = "image_spider"

# What a site may do to us
DOWNLOAD_TIMEOUT = 60  # seconds for the whole download: a slow drip ends here
DNS_TIMEOUT = 20  # seconds; Scrapy's own 60 would be the whole download's time
DOWNLOAD_MAXSIZE = 32 * 1024 * 1024  # bytes, streamed and after decompression; Scrapy's own limit is 1 GiB
DOWNLOAD_WARNSIZE = 0  # too large is a recorded failure, not a log line
REDIRECT_MAX_TIMES = 10
COOKIES_ENABLED = False
DEPTH_PRIORITY = 1  # breadth first: pages near the start URL come before deep traps
SCHEDULER_DISK_QUEUE = "scrapy.squeues.PickleFifoDiskQueue"
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"
DOWNLOAD_HANDLERS = {
    "http": "image_spider.downloads.DownloadHandler",
    "https": "image_spider.downloads.DownloadHandler",
    **dict.fromkeys(("data", "file", "ftp", "s3")),  # a page must not name our own files
}

# Doors that a worker does not open: an HTTP server that runs Python, and a Python console.
REMOTE_CONTROL_ENABLED = False
TELNETCONSOLE_ENABLED = False

DOWNLOADER_MIDDLEWARES = {  # middlewares/__init__.py tells why each stands where it does
    "middlewares.halted.HaltedMiddleware": 10,
    "middlewares.limits.LimitsMiddleware": 20,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # `follow` decides where links are read
    "middlewares.addresses.AddressMiddleware": 60,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "middlewares.robots.RobotsTxtMiddleware": 100,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
    "middlewares.proxies.ProxyChoice": 480,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "middlewares.retry.RetryMiddleware": 550,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "middlewares.proxies.ProxyPages": 585,
    "middlewares.decompression.DecompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "middlewares.cookies.CookiesMiddleware": 700,
    "middlewares.proxies.ProxyAnswers": 740,
    "middlewares.user_agents.UserAgentMiddleware": 770,
    "middlewares.politeness.PolitenessMiddleware": 820,
}

SPIDER_MIDDLEWARES = {"middlewares.task_pages.TaskPages": 950}  # of `scrapy task`; next to the spider, which it reads

# Pipelines
ITEM_PIPELINES = {
    "pipelines.images.ImagesPipeline": 100,  # fetch, check and store the bytes ...
    "pipelines.catalog.CatalogPipeline": 200,  # ... and only then write the row
    "pipelines.task_output.TaskOutput": 300,  # of `scrapy task`: what is committed
}
MEDIA_ALLOW_REDIRECTS = True  # each hop passes the downloader middlewares anew: scheme, robots.txt

EXTENSIONS = {
    "image_spider.extensions.provenance.Provenance": -20,  # before whatever may fail: which code and settings it was
    "image_spider.extensions.job_directory.JobDirectory": -10,  # first of all: Scrapy opens JOBDIR too
    "image_spider.extensions.alive.Alive": 10,
    "image_spider.extensions.proxies.Proxies": 10,
    "image_spider.extensions.mirrors.Mirrors": 10,
    "image_spider.extensions.retries.Retries": 10,
    "image_spider.extensions.progress.Progress": 20,
    "image_spider.extensions.summary.Summary": 30,
}

LOG_LEVEL = "INFO"
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"  # what is given up is a row in table failures
