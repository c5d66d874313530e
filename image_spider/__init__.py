"""image_spider: collect images from the web, keep every original byte, lose nothing."""

__version__ = "0.1.0"
