"""A bounded dictionary that forgets what was not noted for the longest time."""

from __future__ import annotations

from image_spider.recent import Recent


def test_what_is_noted_again_is_remembered_for_longer():
    recent: Recent[str, int] = Recent(limit=2)
    recent["a"], recent["b"], recent["a"] = 1, 2, 3
    recent["c"] = 4
    assert dict(recent) == {"a": 3, "c": 4}
