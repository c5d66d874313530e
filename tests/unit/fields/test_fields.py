from __future__ import annotations

import json

import pytest

from image_spider.exceptions import UsageError
from image_spider.fields import Field, extract_fields
from image_spider.fields.field import field_of

URL = "https://shop.example/lamps/7"


def read(html: str, *names: str, **selectors: str):
    fields = [Field(name=name) for name in names] + [field_of(name, text) for name, text in selectors.items()]
    return extract_fields(html, URL, fields)


def json_ld(*nodes: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


PRODUCT = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "Desk lamp",
    "description": "Bends  any way.",
    "sku": 4711,
    "brand": {"@type": "Brand", "name": "Lumen"},
    "image": ["/lamp.jpg", "/lamp-2.jpg"],
    "aggregateRating": {"ratingValue": "4.5", "reviewCount": 12},
    "offers": [{"price": 29.9, "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}],
}


def test_a_products_json_ld_gives_its_fields():
    names = ("title", "price", "currency", "availability", "description", "sku", "brand", "rating", "review_count")
    assert read(json_ld(PRODUCT), *names) == {
        "title": "Desk lamp",
        "price": "29.9",
        "currency": "EUR",
        "availability": "InStock",
        "description": "Bends any way.",
        "sku": "4711",
        "brand": "Lumen",
        "rating": "4.5",
        "review_count": "12",
    }


def test_microdata_gives_the_same_fields():
    html = """<div itemscope itemtype="https://schema.org/Product"><h2 itemprop="name">Desk <b>lamp</b></h2>
      <span itemprop="brand" itemscope itemtype="https://schema.org/Brand"><i itemprop="name">Lumen</i></span>
      <img itemprop="image" src="lamp.jpg"><div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
      <b itemprop="price" content="29.90">29,90 &euro;</b><meta itemprop="priceCurrency" content="EUR">
      <link itemprop="availability" href="https://schema.org/InStock"></div></div>"""
    assert read(html, "title", "brand", "price", "currency", "availability", "image") == {
        "title": "Desk lamp",
        "brand": "Lumen",
        "price": "29.90",
        "currency": "EUR",
        "availability": "InStock",
        "image": "https://shop.example/lamps/lamp.jpg",
    }


def test_open_graph_and_meta_tags_give_what_the_page_says_nowhere_else():
    html = """<html lang="de"><head><title>Lamps</title><meta property="og:title" content="Desk lamp">
      <meta name="Description" content="A lamp."><meta property="product:price:amount" content="29.90">
      <meta property="og:image" content="/lamp.jpg"><link rel="canonical" href="/lamp"></head></html>"""
    assert read(html, "title", "description", "price", "image", "canonical", "language") == {
        "title": "Desk lamp",
        "description": "A lamp.",
        "price": "29.90",
        "image": "https://shop.example/lamp.jpg",
        "canonical": "https://shop.example/lamp",
        "language": "de",
    }


def test_a_page_without_any_of_it_gives_its_title_element_and_nothing_for_the_rest():
    assert read("<title>Lamps </title><p>29.90</p>", "title", "price") == {"title": "Lamps", "price": None}


def test_the_site_and_the_breadcrumbs_are_not_taken_for_what_the_page_is_about():
    aside = [{"@type": "Organization", "name": "Shop"}, {"@type": "BreadcrumbList", "name": "Home"}]
    graph = {"@graph": [*aside, {"@type": "Article", "headline": "News", "author": {"@id": "#jo"}}]}
    html = json_ld(graph, {"@id": "#jo", "@type": "Person", "name": "Jo"})
    assert read(html, "title", "author") == {"title": "News", "author": "Jo"}


def test_a_list_of_products_is_not_taken_for_one_of_them_but_the_one_of_the_title_is():
    products = [PRODUCT | {"name": name} for name in ("Desk lamp", "Floor lamp", "Candle")]
    assert read("<h1>Offers</h1>" + json_ld(*products), "price") == {"price": None}
    products[1]["offers"] = {"price": "55"}
    assert read("<h1>Floor lamp</h1>" + json_ld(*products), "price") == {"price": "55"}


def test_the_main_entity_of_a_page_counts():
    html = json_ld({"@type": "WebPage", "name": "Shop", "mainEntity": PRODUCT})
    assert read(html, "title", "price") == {"title": "Desk lamp", "price": "29.9"}


def test_the_price_of_an_offer_alone_and_of_the_first_variant_count():
    offer = '<p itemscope itemtype="https://schema.org/Offer"><b itemprop="price">5</b></p>'
    assert read(offer, "price") == {"price": "5"}
    variants = [{"@type": "Product", "offers": {"price": price, "priceCurrency": "EUR"}} for price in (7, 8)]
    group = json_ld({"@type": "ProductGroup", "name": "Lamps", "hasVariant": variants})
    assert read(group, "price", "currency") == {"price": "7", "currency": "EUR"}


def test_a_name_that_no_table_knows_is_looked_up_as_schema_org_and_meta_tags_write_it():
    html = json_ld(PRODUCT | {"countryOfOrigin": "Denmark"}) + '<meta name="wattage" content="7">'
    assert read(html, "country_of_origin", "wattage", "colour") == {
        "country_of_origin": "Denmark",
        "wattage": "7",
        "colour": None,
    }


def test_a_selector_wins_over_every_other_place_and_finds_nothing_rather_than_another_value():
    html = json_ld(PRODUCT) + "<b class=now>19.90 <style>x</style></b><a href=more>x</a>"
    found = read(html, price="b.now", old_price=".was", link="a::attr(href)", name="//a/text()")
    assert found == {"price": "19.90", "old_price": None, "link": "more", "name": "x"}


def test_an_attribute_that_holds_a_url_is_made_absolute_and_every_value_is_listed_once():
    html = "<base href=/x/><a href=1>a</a><a href=2>b</a><a href=1>c</a>"
    links = Field(name="links", css="a", attribute="href", every=True)
    assert extract_fields(html, URL, [links]) == {
        "links": ["https://shop.example/x/1", "https://shop.example/x/2"],
    }


def test_a_selector_that_fails_on_a_page_costs_no_other_field():
    assert read("<title>Lamp</title><td>x</td>", "title", bad="//td[nothing()]") == {"title": "Lamp", "bad": None}


@pytest.mark.parametrize("name", ["image", "Image", "image-url", "image url"])
def test_names_are_known_however_they_are_written(name: str):
    assert read("<meta property=og:image content=/lamp.jpg>", name) == {name: "https://shop.example/lamp.jpg"}


@pytest.mark.parametrize(
    "html",
    [
        "",
        "\x00",
        "<" * 5000,
        "<div itemscope itemprop=x>" * 3000,
        f"<p {' '.join(f'a{n}=1' for n in range(3000))} {{=1 itemprop=price>",
        '<script type="application/ld+json">{"@graph": [' + "[" * 5000,
        json_ld({"@graph": [[{}]], "offers": 3}, [None, 1, "x"], {"@type": 5, "name": {"@id": 3}, "offers": [{}]}),
        json_ld({"@id": "#a", "@type": "Product", "name": {"@id": "#a"}}),
        "<?xml version='1.0' encoding='utf-16'?><title>\ud800</title>",
    ],
    ids=range(9),
)
def test_a_broken_page_gives_nothing_and_raises_nothing(html: str):
    assert read(html, "price", "currency", x="p", y="//a") == dict.fromkeys(("price", "currency", "x", "y"))


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        (Field(name=""), "a letter"),
        (Field(name="price", css="p["), "a CSS selector"),
        (Field(name="price", xpath="//p["), "an XPath expression"),
        (Field(name="price", css="p::nothing"), "a CSS selector"),
    ],
)
def test_a_name_or_selector_that_cannot_be_used_is_refused(field: Field, allowed: str):
    with pytest.raises(UsageError, match=allowed):
        field.check()


def test_a_value_of_many_characters_is_cut():
    (value,) = read(f"<title>{'x' * 20_000}</title>", "title").values()
    assert len(value) == 10_000
