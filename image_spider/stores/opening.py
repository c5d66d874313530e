"""Stores by their addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from image_spider.exceptions import UsageError
from image_spider.stores.address import StoreAddress, parse_addresses
from image_spider.stores.local import LocalStore
from image_spider.stores.volumes import VolumeStore

if TYPE_CHECKING:
    from image_spider.config import Config
    from image_spider.stores.store import Store

SPOOL = "ledgers"  # below DATA_DIR


def images_store(settings: Config) -> Store:
    """Return the store that IMAGES_STORE names."""
    return store_at(settings.IMAGES_STORE, settings)


def store_at(url: str, settings: Config, *, retry_seconds: float | None = None, absolute: bool = False) -> Store:
    """Return the store at this address, or of these volumes; nothing is opened or asked yet.

    retry_seconds, if given, takes the place of IMAGES_STORE_RETRY_SECONDS; absolute makes folders, and so their names,
    absolute. Raises UsageError when the address is wrong, or the library for object stores is not installed.
    """
    try:
        addresses = parse_addresses(url)
    except ValueError as error:
        raise UsageError("store", url, str(error)) from None
    if absolute:
        addresses = tuple(one if one.scheme else replace(one, path=str(Path(one.path).absolute())) for one in addresses)
    seconds = settings.IMAGES_STORE_RETRY_SECONDS if retry_seconds is None else retry_seconds
    if len(addresses) == 1:
        return _store(addresses[0], settings, seconds)
    return VolumeStore([(_store(address, settings, seconds), address.weight) for address in addresses])


def _store(address: StoreAddress, settings: Config, retry_seconds: float) -> Store:
    if not address.scheme:
        return LocalStore(address.path)
    try:
        from image_spider.stores.object_client import Access
        from image_spider.stores.object_store import ObjectStore
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "obstore":
            raise
        raise UsageError("IMAGES_STORE", address.name, "object stores need obstore: pip install obstore") from error
    access = Access(
        endpoint_url=settings.AWS_ENDPOINT_URL,
        request_seconds=settings.IMAGES_STORE_SECONDS,
        retry_seconds=retry_seconds,
    )
    return ObjectStore(address, access=access, spool=settings.DATA_DIR / SPOOL)
