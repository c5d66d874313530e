"""Where a value is looked for by its name: schema.org properties, meta tags, elements. One table."""

from __future__ import annotations

import re
from dataclasses import dataclass

AS_URL = frozenset({"image", "canonical"})  # values that are resolved against the page's URL


@dataclass(frozen=True, slots=True)
class Places:
    """Places of a value, the best first in each tuple.

    properties are paths in the page's JSON-LD and microdata (https://schema.org), metas names of meta tags (Open Graph:
    https://ogp.me), elements are XPath expressions.
    """

    properties: tuple[str, ...] = ()
    metas: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


NAMES = {
    "title": Places(("headline", "name"), ("og:title", "twitter:title"), ("//title", "//h1")),
    "description": Places(("description",), ("og:description", "twitter:description", "description")),
    "price": Places(
        ("offers.price", "offers.lowPrice", "offers.priceSpecification.price", "hasVariant.offers.price", "price"),
        ("product:price:amount", "og:price:amount"),
    ),
    "currency": Places(
        (
            "offers.priceCurrency",
            "offers.priceSpecification.priceCurrency",
            "hasVariant.offers.priceCurrency",
            "priceCurrency",
        ),
        ("product:price:currency", "og:price:currency"),
    ),
    "availability": Places(("offers.availability", "availability"), ("product:availability", "og:availability")),
    "condition": Places(("offers.itemCondition", "itemCondition"), ("product:condition",)),
    "sku": Places(("sku", "offers.sku", "productID", "mpn"), ("product:retailer_item_id",)),
    "gtin": Places(("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "isbn"), ("book:isbn",)),
    "brand": Places(("brand.name", "brand", "manufacturer.name", "manufacturer"), ("product:brand", "og:brand")),
    "rating": Places(("aggregateRating.ratingValue",)),
    "review_count": Places(("aggregateRating.reviewCount", "aggregateRating.ratingCount")),
    "author": Places(
        ("author.name", "author", "creator.name", "creator"), ("author", "article:author"), ("//*[@rel='author']",)
    ),
    "date_published": Places(
        ("datePublished", "uploadDate", "startDate", "dateCreated"),
        ("article:published_time", "date"),
        ("//time/@datetime",),
    ),
    "date_modified": Places(("dateModified",), ("article:modified_time", "og:updated_time")),
    "image": Places(
        ("image.url", "image.contentUrl", "image", "thumbnailUrl"),
        ("og:image", "og:image:url", "og:image:secure_url", "twitter:image"),
        ("//link[@rel='image_src']/@href",),
    ),
    "category": Places(("category.name", "category", "articleSection"), ("article:section", "product:category")),
    "keywords": Places(("keywords",), ("keywords", "article:tag", "news_keywords")),
    "language": Places(("inLanguage",), ("og:locale",), ("/html/@lang",)),
    "site_name": Places(("publisher.name",), ("og:site_name", "application-name")),
    "type": Places(("@type",), ("og:type",)),
    "canonical": Places((), ("og:url",), ("//link[@rel='canonical']/@href",)),
    "text": Places(("articleBody", "text"), (), ("//article", "//main")),
}  # fmt: skip

ALIASES = {
    "name": "title",
    "headline": "title",
    "product_name": "title",
    "summary": "description",
    "price_currency": "currency",
    "stock": "availability",
    "published": "date_published",
    "published_at": "date_published",
    "date": "date_published",
    "modified": "date_modified",
    "updated_at": "date_modified",
    "image_url": "image",
    "tags": "keywords",
    "lang": "language",
    "canonical_url": "canonical",
    "body": "text",
    "content": "text",
}


def places_of(name: str) -> Places:
    """Return where a value is looked for; one that is not in the table, under its own name, as schema.org writes it."""
    key = _key(name)
    if places := NAMES.get(key):
        return places
    words = key.split("_")
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    properties = tuple(dict.fromkeys((name, camel, f"offers.{camel}")))
    return Places(properties, tuple(dict.fromkeys((name.lower(), key, f"og:{key}", f"product:{key}"))))


def is_url(name: str) -> bool:
    """Tell whether the value of that name is a URL, which a page may write in short."""
    return _key(name) in AS_URL


def _key(name: str) -> str:
    key = re.sub(r"[\s.-]+", "_", name.strip().lower())
    return ALIASES.get(key, key)
