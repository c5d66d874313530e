"""The client of a bucket: obstore's, with our times and the user's keys."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import GCSStore, S3Store

from image_spider.exceptions import UsageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

    from image_spider.stores.address import StoreAddress

CONNECT_SECONDS = 5.0
SLICE_SECONDS = 2.0  # in which the client itself tries again; then we look whether the crawl ends, and sign anew
PAUSE_SECONDS = 1.0  # the longest between two tries of the client; they begin at 0.1 s and have jitter
TRIES = 1000  # the time alone ends them


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How object stores are reached that do not say it themselves, how long a request may take, and how long one that
    is away is tried again; math.inf: for ever.
    """

    endpoint_url: str = ""
    request_seconds: float = 30.0
    retry_seconds: float = 120.0


def connect(address: StoreAddress, access: Access) -> S3Store | GCSStore:
    """Return a client, which has asked nothing yet.

    Keys come from the file that the address names, else from where the services' own tools have them: the environment,
    a role of the machine or the pod. Raises UsageError for a file that has none, and obstore's errors.
    """
    endpoint_url = address.endpoint_url or access.endpoint_url
    client: ClientConfig = {
        "allow_http": True,  # for who names an endpoint without TLS; those of Amazon and Google have it
        "connect_timeout": timedelta(seconds=min(CONNECT_SECONDS, access.request_seconds)),
        "timeout": timedelta(seconds=access.request_seconds),
    }
    retry: RetryConfig = {
        "max_retries": TRIES if access.retry_seconds else 0,
        "retry_timeout": timedelta(seconds=min(SLICE_SECONDS, access.retry_seconds)),
        "backoff": {"max_backoff": timedelta(seconds=PAUSE_SECONDS)},
    }
    prefix = address.path or None
    if address.scheme == "gs":
        if not address.credentials:
            return GCSStore(address.bucket, prefix=prefix, client_options=client, retry_config=retry)
        account = address.credentials
        return GCSStore(
            address.bucket, prefix=prefix, client_options=client, retry_config=retry, service_account=account
        )
    config: S3Config = {}
    if endpoint_url:
        config["endpoint"] = endpoint_url
    if address.region:
        config["region"] = address.region
    if address.credentials:
        config |= _keys(Path(address.credentials))
    return S3Store(address.bucket, prefix=prefix, config=config, client_options=client, retry_config=retry)


def _keys(file: Path) -> S3Config:
    """Read the profile "default" of a file as Amazon's tools write it."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
        profile = parser["default"]
        keys: S3Config = {
            "access_key_id": profile["aws_access_key_id"],
            "secret_access_key": profile["aws_secret_access_key"],
        }
        if "aws_session_token" in profile:
            keys["session_token"] = profile["aws_session_token"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        allowed = "a file with [default], aws_access_key_id and aws_secret_access_key"
        raise UsageError("credentials", file, allowed) from None  # its errors show lines of the file
    return keys
