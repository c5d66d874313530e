"""The verdict of the drill."""

from __future__ import annotations

from deploy.drills.books import Books, Sighting

ONE = Sighting("http://a/", "http://a/1.png", "1" * 64)
TWO = Sighting("http://a/", "http://a/2.png", "2" * 64)
WHOLE = {
    "shown": {ONE, TWO},
    "acknowledged": {ONE},
    "recorded": (ONE, TWO),
    "files": {ONE.sha256, TWO.sha256},
    "failures": (),
    "endings": ("shutdown", "finished"),
}


def complaints(**changed: object) -> str:
    return "\n".join(Books(**WHOLE | changed).complaints())


def test_books_that_balance_have_no_complaints():
    assert complaints() == ""


def test_whatever_is_wrong_is_named():
    assert "1 acknowledged, and not in the catalog" in complaints(recorded=(TWO,))
    assert "1 on the site, and not in the catalog" in complaints(recorded=(ONE,))
    assert "1 twice in the catalog" in complaints(recorded=(ONE, TWO, TWO))
    assert "1 recorded as failed, such as http://a/3.png (status)" in complaints(failures=("http://a/3.png (status)",))
    assert "1 rows without a whole file" in complaints(files={ONE.sha256})
    assert "1 workers that did not end in order, such as without a word" in complaints(endings=("shutdown", ""))
