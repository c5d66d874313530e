"""A container's task: what `scrapy task` is told by a platform, and what it reports."""
