"""What a page says of itself in JSON-LD and microdata, as one kind of nodes: property -> values."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from image_spider.extract.limits import MAX_JSON_LD_VALUES
from image_spider.extract.structured_data import read_json_ld

if TYPE_CHECKING:
    from lxml.etree import _Element

Node = dict[str, Any]

MAX_ELEMENTS = 5_000  # with microdata, of one page
_SCHEMA = re.compile(r"\A(?:https?://(?:www\.)?schema\.org/|schema:)")
_REFERENCES = {
    **dict.fromkeys(("audio", "embed", "iframe", "img", "source", "track", "video"), "src"),
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("data", "meter"), "value"),
    "object": "data",
    "time": "datetime",
}  # https://html.spec.whatwg.org/multipage/microdata.html#values


def json_ld_nodes(scripts: Iterable[str]) -> list[Node]:
    """Return the nodes of a page's JSON-LD scripts that stand at the top, in a list or in @graph.

    A node that is only a reference ({"@id": ...}) is replaced by the one that it names, wherever that stands.
    """
    top: list[Node] = []
    pending: deque[Any] = deque(map(read_json_ld, scripts))
    for _ in range(MAX_JSON_LD_VALUES):
        if not pending:
            break
        value = pending.popleft()
        if isinstance(value, list):
            pending.extendleft(reversed(value[:MAX_JSON_LD_VALUES]))
        elif isinstance(value, dict) and "@graph" in value:
            pending.appendleft(value["@graph"])
        elif isinstance(value, dict):
            top.append(_plain(value))
    mains = [_plain(main) for node in top for main in listed(node.get("mainEntity")) if isinstance(main, dict)]
    by_id = {node["@id"]: node for node in top if isinstance(node.get("@id"), str)}
    return [_resolved(node, by_id) for node in top + [main for main in mains if main.keys() != {"@id"}]]


def microdata_nodes(elements: Iterable[_Element]) -> list[Node]:
    """Return the items of a page that belong to no other one; elements are those with itemscope or itemprop, in order.

    itemref is not followed.
    """
    items: dict[_Element, Node] = {}
    top: list[Node] = []
    for element in elements:
        owner = next((items[above] for above in element.iterancestors() if above in items), None)
        value: Any
        if element.get("itemscope") is not None:
            value = items[element] = {"@type": (element.get("itemtype") or "").split()}
            value["@type"] = [_SCHEMA.sub("", kind) for kind in value["@type"]]
        else:
            value = _value(element)
        names = (element.get("itemprop") or "").split()
        if owner is not None:
            for name in names:
                owner.setdefault(_SCHEMA.sub("", name), []).append(value)
        elif isinstance(value, dict):
            top.append(value)
    return top


def values_at(node: Node, path: str) -> Iterator[str]:
    """Yield the texts at a path such as offers.price; of a node that stands where a text should be, its name or URL."""
    found: list[Any] = [node]
    for step in path.split("."):
        found = [value for parent in found if isinstance(parent, dict) for value in listed(parent.get(step))]
    for held in found:
        value = held
        if isinstance(held, dict):
            named = next((held[key] for key in ("@value", "name", "url") if held.get(key)), None)
            value = next(iter(listed(named)), None)
        if isinstance(value, str):
            yield _SCHEMA.sub("", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(value)


def listed(value: Any) -> list[Any]:
    """Return a value as a list: itself, its elements, or nothing for None."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _plain(node: Node) -> Node:
    """Return a node whose own properties have no schema.org prefix."""
    return {_SCHEMA.sub("", str(name)): value for name, value in node.items()}


def _resolved(node: Node, by_id: dict[str, Node]) -> Node:
    """Return a node whose references to other ones are those nodes."""

    def resolve(value: Any) -> Any:
        is_reference = isinstance(value, dict) and value.keys() == {"@id"} and isinstance(value["@id"], str)
        return by_id.get(value["@id"], value) if is_reference else value

    return {name: [resolve(value) for value in listed(values)] for name, values in node.items()}


def _value(element: _Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    for attribute in ("content", _REFERENCES.get(tag, "content")):
        if value := element.get(attribute):
            return str(value)
    return "".join(element.itertext())
