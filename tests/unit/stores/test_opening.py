from __future__ import annotations

import sys

import pytest

from image_spider import config
from image_spider.command_store import command_store
from image_spider.exceptions import UsageError
from image_spider.stores.local import LocalStore
from image_spider.stores.opening import images_store, store_at
from image_spider.stores.volumes import VolumeStore

SETTINGS = config.load({"DATA_DIR": "/data"})


def test_an_address_leads_to_its_store():
    local, volumes = images_store(SETTINGS), store_at("/a,/b", SETTINGS)
    assert isinstance(local, LocalStore)
    assert local.name == "/data/images"
    assert isinstance(volumes, VolumeStore)
    assert volumes.name == "/a,/b"
    assert command_store(SETTINGS, "gs://bucket/x").name == "gs://bucket/x"


def test_without_the_library_for_buckets_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    for name in ("image_spider.stores.object_client", "image_spider.stores.object_store", "obstore.store"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(UsageError, match="pip install obstore"):
        store_at("s3://bucket", SETTINGS)
