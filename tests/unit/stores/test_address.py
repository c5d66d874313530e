from __future__ import annotations

from pathlib import Path

import pytest

from image_spider.stores.address import StoreAddress, parse_addresses


def test_a_folder_alone_is_taken_as_it_stands():
    assert parse_addresses("data/what?weight=2") == (StoreAddress(scheme="", path="data/what?weight=2"),)
    assert parse_addresses("~/images")[0].name == str(Path.home() / "images")


def test_an_object_store_has_a_bucket_a_prefix_and_options():
    (address,) = parse_addresses(
        "s3://bucket/a/b/?endpoint_url=http://minio:9000&region=eu-west-1&credentials=/run/keys"
    )
    assert (address.scheme, address.bucket, address.path) == ("s3", "bucket", "a/b")
    assert (address.endpoint_url, address.region, address.credentials) == (
        "http://minio:9000",
        "eu-west-1",
        "/run/keys",
    )
    assert address.name == "s3://bucket/a/b?endpoint_url=http://minio:9000"
    assert parse_addresses("gs://bucket?credentials=/run/keys")[0].name == "gs://bucket"


def test_several_volumes_are_separated_by_commas_and_may_have_weights():
    volumes = parse_addresses("/disk1/images, /disk2/images?weight=2.5,s3://bucket?weight=3")
    assert [(volume.name, volume.weight) for volume in volumes] == [
        ("/disk1/images", 1.0),
        ("/disk2/images", 2.5),
        ("s3://bucket", 3.0),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "a folder of this machine"),
        ("ftp://elsewhere/x", "a folder of this machine"),
        ("s3:///prefix", "a folder of this machine"),
        ("s3://bucket#fragment", "a folder of this machine"),
        ("/disk1,,/disk2", "a folder of this machine"),
        ("/disk1,/disk1?weight=2", "each volume once"),
        ("/disk1,/disk2?weight=0", "weight is a number above 0"),
        ("/disk1,/disk2?weight=much", "a folder of this machine"),
        ("/disk1,/disk2?region=eu", "weight is a number above 0"),
        ("gs://bucket?endpoint_url=http://x", "credentials, weight"),
        ("s3://key:secret@bucket", "keys come from the environment"),
        ("s3://bucket?endpoint_url=http://key:secret@minio", "keys come from the environment"),
        ("s3://bucket?endpoint_url=http%3A%2F%2Fkey%3Asecret%40minio", "keys come from the environment"),
    ],
)
def test_any_other_address_is_refused_with_what_is_allowed(value: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        parse_addresses(value)
