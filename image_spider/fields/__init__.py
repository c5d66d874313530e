"""Named values of a page, such as its title or a price. Pure: text in, values out."""

from image_spider.fields.field import Field, Value
from image_spider.fields.reading import extract_fields

__all__ = ["Field", "Value", "extract_fields"]
