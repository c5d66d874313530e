"""A bucket under two names."""

from __future__ import annotations

from pathlib import Path

from image_spider import config
from image_spider.stores.opening import images_store
from image_spider.stores.sameness import share_a_place
from tests.s3_server import S3Server


def test_a_bucket_is_known_again_when_its_endpoint_is_set_elsewhere(s3: S3Server, tmp_path: Path):
    bucket, values = s3.make_bucket(), {"DATA_DIR": str(tmp_path / "data"), "AWS_ENDPOINT_URL": s3.url}
    addresses = (f"s3://{bucket}/a?endpoint_url={s3.url}", f"s3://{bucket}/a", f"s3://{bucket}/b")
    named, same, other = (images_store(config.load(values | {"IMAGES_STORE": one})) for one in addresses)
    assert named.name != same.name
    assert share_a_place(named, same)
    assert not share_a_place(named, other)
    assert {path.rpartition("/")[2] for path in s3.objects(bucket)} == {"probe"}
    for store in (named, same, other):
        store.close()
