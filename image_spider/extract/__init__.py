"""What an HTML page holds: its links and its image candidates. Pure: text in, dataclasses out."""

from image_spider.extract.page import extract_page

__all__ = ["extract_page"]
