"""A small web site to crawl: its pages, its server and the truth about both."""
