"""A page and the fields that are asked of it -> their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lxml import etree
from parsel import Selector

from image_spider.extract.html_events import HtmlTarget, read_html
from image_spider.fields.field import Field, Value
from image_spider.fields.names import is_url, places_of
from image_spider.fields.nodes import MAX_ELEMENTS, Node, json_ld_nodes, listed, microdata_nodes, values_at
from image_spider.urls import join

MAX_VALUE_CHARACTERS = 10_000
MAX_VALUES = 1_000  # of one field
MAX_ATTRIBUTES = 1_000  # of one element
_TROUBLE = (ValueError, RecursionError, etree.LxmlError)  # what lxml has against a page, or a page against lxml
_LINKS = frozenset({"href", "src"})
_JSON_LD = "//script[contains(translate(@type, 'JSONLD', 'jsonld'), 'ld+json')]/text()"
_MICRODATA = "//*[@itemscope or @itemprop]"
# Types of nodes that tell of the site or of a part of the page, not of what the page is about.
_ASIDE = frozenset(
    {
        "AggregateRating", "BreadcrumbList", "CollectionPage", "Corporation", "ImageObject", "ItemList", "ListItem",
        "NewsMediaOrganization", "Organization", "Person", "Review", "SearchAction", "SearchResultsPage",
        "SiteNavigationElement", "WPFooter", "WPHeader", "WebPage", "WebPageElement", "WebSite",
    }
)  # fmt: skip


def extract_fields(html: str, url: str, fields: Sequence[Field]) -> dict[str, Value]:
    """Return the values of a page's fields as text, spaces joined; None, or an empty list, for what is not there.

    It never raises, however broken the page is. A value is cut at MAX_VALUE_CHARACTERS, a list at MAX_VALUES. Nothing
    is read of a page with an element of more than MAX_ATTRIBUTES: a tree of 100,000 takes lxml two minutes.
    """
    counter = _AttributeCounter()
    read_html(html, counter)
    if counter.most > MAX_ATTRIBUTES:
        html = ""
    try:
        reader = _Reader(Selector(text=html.replace("\x00", "") or " ", type="html"), url)
    except _TROUBLE:
        return {field.name: _value(field, ()) for field in fields}
    found = {}
    for field in fields:
        try:
            found[field.name] = _value(field, reader.values(field))
        except _TROUBLE:  # of one selector, which must not cost the other fields
            found[field.name] = _value(field, ())
    return found


class _AttributeCounter(HtmlTarget):
    most = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        super().start(tag, attributes)
        self.most = max(self.most, len(attributes))


class _Reader:
    """A page's data, each kind read once."""

    def __init__(self, page: Selector, url: str) -> None:
        self._page = page
        self._base = join(url, page.xpath("//base/@href").get() or "") or url
        self._metas: dict[str, list[str]] = {}
        for meta in page.xpath("//meta[@content]")[:MAX_ELEMENTS]:
            name = (meta.root.get("property") or meta.root.get("name") or "").strip().lower()
            self._metas.setdefault(name, []).append(meta.root.get("content"))
        scripts = page.xpath(_JSON_LD).getall()
        elements = [element.root for element in page.xpath(_MICRODATA)[:MAX_ELEMENTS]]
        kinds = [json_ld_nodes(scripts), microdata_nodes(elements)]
        titles = " ".join(filter(None, map(_joined, page.xpath("//title/text() | //h1//text()").getall()[:20])))
        self._mains = [node for kind in kinds for node in _mains(kind, titles.casefold())]
        self._asides = [node for kind in kinds for node in kind if _is_aside(node)]

    def values(self, field: Field) -> Iterator[str]:
        """Yield the values of a field, the best first; some may be empty."""
        selected = field.select(self._page)
        if selected is not None:
            for part in selected:
                value = _text(part, field.attribute)
                yield self._absolute(value) if field.attribute in _LINKS else value
            return
        for value in self._named(field.name):
            yield self._absolute(value) if is_url(field.name) else value

    def _named(self, name: str) -> Iterator[str]:
        places = places_of(name)
        yield from _at(self._mains, places.properties)
        for meta in places.metas:
            yield from self._metas.get(meta, ())
        for xpath in places.elements:
            yield from (_text(part, "") for part in self._page.xpath(xpath)[:MAX_VALUES])
        if name not in ("price", "currency"):  # those of an aside belong to something else
            yield from _at(self._asides, places.properties)

    def _absolute(self, value: str) -> str:
        return join(self._base, value) or value


def _at(nodes: Sequence[Node], paths: Sequence[str]) -> Iterator[str]:
    for node in nodes:
        for path in paths:
            yield from values_at(node, path)


def _mains(nodes: Sequence[Node], titles: str) -> list[Node]:
    """Return the nodes that tell what the page is about.

    Of several of one type, which make a list of products or the related ones below a product, it is the one that has
    the page's title, or none.
    """
    mains = [node for node in nodes if not _is_aside(node)]
    alike = Counter(str(node.get("@type")) for node in mains)
    names = [_joined(next(_at([node], ("name", "headline")), "")).casefold() for node in mains]
    return [
        node
        for node, name in zip(mains, names, strict=True)
        if alike[str(node.get("@type"))] == 1 or (name and name in titles)
    ]


def _is_aside(node: Node) -> bool:
    return not _ASIDE.isdisjoint(kind for kind in listed(node.get("@type")) if isinstance(kind, str))


def _value(field: Field, values: Iterable[str]) -> Value:
    found: dict[str, None] = {}
    for value in values:
        text = _joined(value)[:MAX_VALUE_CHARACTERS]
        if text and not field.every:
            return text
        if text:
            found[text] = None
        if len(found) >= MAX_VALUES:
            break
    return list(found) if field.every else None


def _text(part: Selector, attribute: str) -> str:
    """Return the text of an element without its scripts, or its attribute; what is a text already, as it is."""
    if not isinstance(part.root, etree._Element):  # noqa: SLF001 - the name that lxml gives the class of its elements
        return str(part.root)
    if attribute:
        return str(part.root.get(attribute) or "")
    return "".join(part.xpath(".//text()[not(parent::script or parent::style or parent::noscript)]").getall())


def _joined(text: str) -> str:
    return " ".join(text.split())
