from __future__ import annotations

import hashlib
from collections import Counter

from image_spider.stores.paths import image_path, thumbnail_path
from image_spider.stores.placement import by_preference

PATHS = [image_path(hashlib.sha256(str(number).encode()).hexdigest(), ".jpg") for number in range(6000)]


def homes(volumes: dict[str, float]) -> dict[str, str]:
    return {path: by_preference(path, volumes)[0] for path in PATHS}


def test_every_worker_prefers_the_same_volumes_whatever_their_order():
    volumes = {"a": 1.0, "b": 2.0, "c": 1.0}
    turned = dict(reversed(volumes.items()))
    assert all(by_preference(path, volumes) == by_preference(path, turned) for path in PATHS[:100])


def test_an_image_and_its_thumbnail_belong_together():
    volumes = dict.fromkeys("abcde", 1.0)
    assert all(by_preference(path, volumes) == by_preference(thumbnail_path(path), volumes) for path in PATHS[:100])


def test_files_are_shared_out_in_proportion_to_the_weights():
    shares = Counter(homes({"a": 1.0, "b": 2.0, "c": 3.0}).values())
    for label, expected in {"a": 1000, "b": 2000, "c": 3000}.items():
        assert abs(shares[label] - expected) < 150  # four standard deviations of a fair draw


def test_a_new_volume_takes_its_share_and_nothing_moves_between_the_others():
    before, after = homes(dict.fromkeys("abc", 1.0)), homes(dict.fromkeys("abcd", 1.0))
    moved = [path for path in PATHS if before[path] != after[path]]
    assert {after[path] for path in moved} == {"d"}
    assert abs(len(moved) - len(PATHS) / 4) < 170


def test_a_volume_that_goes_leaves_its_files_to_their_second_choices():
    before = {path: by_preference(path, dict.fromkeys("abcd", 1.0)) for path in PATHS}
    after = homes(dict.fromkeys("abc", 1.0))
    for path, (first, second, *_) in before.items():
        assert after[path] == (second if first == "d" else first)
