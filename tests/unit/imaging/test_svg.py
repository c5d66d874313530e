"""The size of an SVG is what a browser gives it, and nothing hostile in it has an effect."""

from __future__ import annotations

import pytest

from .imaging_samples import examine

BOMB = """<?xml version="1.0"?>
<!DOCTYPE svg [
 <!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">
 <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
 <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
 <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
 <!ENTITY file SYSTEM "file:///etc/passwd">
]>
<svg id="&d;" class="&file;" width="30" height="20">&d;&file;</svg>"""
ILLUSTRATOR = """<?xml version="1.0" encoding="iso-8859-1"?>
<!-- Generator: Adobe Illustrator, SVG Export Plug-In  -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
    <!ENTITY ns_svg "http://www.w3.org/2000/svg">
]>
<svg xmlns="&ns_svg;" width="30.4" height="20" xml:space="preserve"><path d="M0 0"/></svg>
"""


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="30" height="20"', (30, 20)),
        ("width='30px' height='20px'", (30, 20)),
        ('width="1in" height="2.54cm"', (96, 96)),
        ('width="72pt" height="25.4mm"', (96, 96)),
        ('width="10em" height="6pc"', (160, 96)),
        ('width="1e2" height=".5e2"', (100, 50)),
        ('viewBox="0 0 640 480"', (640, 480)),
        ('viewBox="-10,-10,64.4,48"', (64, 48)),
        ('width="100%" height="100%" viewBox="0 0 64 48"', (64, 48)),
        ('width="320" viewBox="0 0 64 48"', (320, 240)),
        ('height="240" viewBox="0 0 64 48"', (320, 240)),
        ('width="40"', (40, 150)),
        ("", (300, 150)),
        ('width="0" height="-5"', (300, 150)),
        ('width="NaN" height="inf"', (300, 150)),
        ('width="1e999" height="1e999"', (300, 150)),
        ('width="9e99" height="1"', (2**31 - 1, 1)),
        ('width="0.001" height="0.001"', (1, 1)),
        ('viewBox="0 0 0 0"', (300, 150)),
        ('viewBox="1 2 3"', (300, 150)),
        ('width="' + "9" * 100_00 + '" height="10"', (300, 10)),
        ("a b='c' width='30'", (300, 150)),
    ],
)
def test_the_size_comes_from_lengths_or_from_the_view_box(attributes: str, size: tuple[int, int]) -> None:
    description = examine(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}/>'.encode(), "image/svg+xml")
    assert (description.format, description.extension, description.integrity) == ("svg", ".svg", "ok")
    assert (description.width, description.height) == size
    assert description.thumbnail is None


@pytest.mark.parametrize(
    "text",
    [
        '<svg width="30" height="20"></svg>',
        '\n\t <svg width="30" height="20"></svg>\n',
        '<?xml version="1.0"?><svg width="30" height="20"></svg>',
        '<?xml version="1.0"?><!-- <html> --><!DOCTYPE svg><svg width="30" height="20"></svg>',
        '<svg:svg xmlns:svg="http://www.w3.org/2000/svg" width="30" height="20"><svg:g/></svg:svg>',
        '<svg width="30" height="20"><svg width="1"/></svg><!-- made by hand --><?end?>\n',
        ILLUSTRATOR,
        BOMB,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_svg_is_found_behind_prolog_comments_and_document_type(text: str, encoding: str) -> None:
    description = examine(text.encode(encoding))
    assert (description.integrity, description.width, description.height) == ("ok", 30, 20)


def test_a_large_svg_is_read_in_one_pass() -> None:
    data = b'<svg width="30" height="20">' + b'<path d="M0 0"/><!-- <svg -->' * 100_000 + b"</svg>"
    assert examine(data).integrity == "ok"
    assert examine(data[:-6]).integrity == "truncated"
