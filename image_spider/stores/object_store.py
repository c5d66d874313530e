"""A store in a bucket: S3, what speaks like it, or Google Cloud Storage (docs/decisions/0023-stores.md)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from image_spider.exceptions import DamagedFile, StoreAway, StoreError
from image_spider.stores.address import StoreAddress
from image_spider.stores.ledger import FOLDER, SUFFIX, Ledger, LedgerFile
from image_spider.stores.object_client import Access, connect
from image_spider.stores.object_errors import fault_of
from image_spider.stores.paths import is_image_path, media_type
from image_spider.stores.patience import Patience
from image_spider.stores.spool import LedgerSpool
from image_spider.stores.store import StoredFile

THREADS = 16  # a request takes some 50 ms, in which others can go on
PAGE = 1000  # names in one answer to a list, which is the most that S3 gives
PROBE = ".partial/probe"  # a byte that every open() writes again

T = TypeVar("T")


class ObjectStore:
    """Objects below a prefix of one bucket. An object is there as a whole or not at all, and durable when it is.

    What fails because the service is away, overloaded or slow is tried again for as long as access tells, and then
    raises StoreAway; anything else raises StoreError at once. Ledgers wait below the folder spool to be uploaded.
    """

    def __init__(self, address: StoreAddress, *, access: Access, spool: Path) -> None:
        self._address = address
        self._access = access
        self._lock = threading.Lock()
        self._client: S3Store | GCSStore | None = None
        folder = hashlib.sha256(self.name.encode()).hexdigest()[:16]
        self._spool = LedgerSpool(spool / folder, upload=self._put)  # impatiently: it is tried again later
        self._patience = Patience(name=self.name, seconds=access.retry_seconds)

    @property
    def name(self) -> str:
        """The URL, without what tells where the keys are."""
        return self._address.name

    @property
    def threads(self) -> int:
        """How many calls at a time are worth while."""
        return THREADS

    def place(self, path: str) -> str:
        """Return the URL of the object under path."""
        return f"{self._address.name.partition('?')[0]}/{path}"

    def exists(self) -> bool:
        """Tell whether the bucket can be listed; raise StoreError unless it is only missing."""
        try:
            next(iter(obstore.list(self._connected(), chunk_size=1)), None)
        except (BaseError, OSError) as error:
            if "<Code>NoSuchBucket" in str(error):
                return False
            raise self._error("list", error) from error
        return True

    def open(self) -> None:
        """Prove that the bucket can be written, read and listed, and upload the ledgers of killed workers."""
        self._patience.call(partial(self._put, PROBE, b"x"))
        self.size(PROBE)
        next(self._pages(PROBE), None)
        self._spool.send()

    def close(self) -> None:
        """Wait for ledgers being uploaded, and let the connections end."""
        self._spool.close()
        self._client = None

    def give_up_when(self, ending: Callable[[], bool]) -> None:
        """Wait for a service that is away only some seconds more, once this is true."""
        self._patience.end_when(ending)

    def write(self, path: str, data: bytes, *, durable: bool = True) -> bool:
        """Store data under path; what is stored is durable in any case."""
        del durable
        if self.size(path) == len(data):
            return False
        self._patience.call(partial(self._put, path, data))
        return True

    def keep_names(self, paths: Collection[str]) -> None:
        """Do nothing: an object that was put is durable, its name included."""

    def remove(self, path: str) -> None:
        """Delete the object under path, if there is one."""
        self._missing_is_none("delete from", partial(obstore.delete, self._connected(), path))

    def size(self, path: str) -> int | None:
        """Return the size in bytes of the object under path, or None when there is none."""
        meta = self._missing_is_none("read from", partial(obstore.head, self._connected(), path))
        return meta["size"] if meta else None

    def read(self, path: str, *, size: int, sha256: str) -> bytes:
        """Return the bytes of the object under path; raise DamagedFile unless they have this size and SHA-256."""
        data = self._get(path, size=size)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedFile(f"{self.place(path)}: its SHA-256 is not that of its name")
        return data

    def fetch(self, path: str) -> bytes:
        """Return the bytes of the object under path, whatever they are; raise DamagedFile when there is none."""
        return self._get(path)

    def files(self) -> Iterator[StoredFile]:
        """Yield every image object in the order of the paths, a page of names at a time."""
        for page in self._pages(""):
            yield from (file for file in page if is_image_path(file.path))

    def begin_ledger(self) -> Ledger:
        """Return a ledger whose files are uploaded when they are complete."""
        return self._spool.begin()

    def ledgers(self) -> list[LedgerFile]:
        """Return the ledgers in the bucket, and those of this machine that wait to be uploaded, the oldest first."""
        waiting = {file.name: file for file in self._spool.waiting()}
        uploaded = {
            file.path.rpartition("/")[2]: LedgerFile(
                name=file.path.rpartition("/")[2],
                place=self.place(file.path),
                bytes=file.size,
                open=partial(self._stream, file.path),
            )
            for page in self._pages(f"{FOLDER}/")
            for file in page
            if file.path.endswith(SUFFIX)
        }
        return sorted((waiting | uploaded).values(), key=lambda file: file.name)

    def _stream(self, path: str) -> BytesIO:
        return BytesIO(self._get(path))

    def _get(self, path: str, *, size: int | None = None) -> bytes:
        """Return the bytes of an object; of one that has not the expected size none is read."""

        def get() -> bytes:
            answer = obstore.get(self._connected(), path)
            found = answer.meta["size"]
            if size is not None and found != size:
                raise DamagedFile(f"{self.place(path)}: {found:,} bytes instead of {size:,}")
            return bytes(answer.bytes())

        data = self._missing_is_none("read from", get)
        if data is None:
            raise DamagedFile(f"{self.place(path)}: missing")
        return data

    def _put(self, path: str, data: bytes) -> None:
        """Put one object in one request: nothing of it is seen before all of it is there."""
        attributes = {"Content-Type": media_type(path)}
        put = partial(obstore.put, self._connected(), path, data, attributes=attributes, use_multipart=False)
        try:
            put()
        except (BaseError, OSError) as error:  # a missing bucket too
            raise self._error("write to", error) from error

    def _pages(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Yield what is below a prefix, page by page."""
        whole, _, name = prefix.rpartition("/")
        pages = iter(obstore.list(self._connected(), whole or None, chunk_size=PAGE))
        try:
            for page in pages:
                yield [StoredFile(meta["path"], meta["size"]) for meta in page if name in meta["path"]]
        except (BaseError, OSError) as error:
            raise self._error("list", error) from error

    def _missing_is_none(self, verb: str, call: Callable[[], T]) -> T | None:
        """Make a call, again while the service is away; None when there is no such object. Raises StoreError."""

        def attempt() -> T | None:
            try:
                return call()
            except FileNotFoundError:
                return None
            except (BaseError, OSError) as error:
                raise self._error(verb, error) from error

        return self._patience.call(attempt)

    def _error(self, verb: str, error: Exception) -> StoreError:
        fault = fault_of(str(error), seconds=self._access.request_seconds)
        kind = StoreAway if fault.away else StoreError
        return kind(f"cannot {verb} the image store {self.name}: {fault.reason}. {fault.remedy}")

    def _connected(self) -> S3Store | GCSStore:
        """Return the client, which connects when it is first asked for something."""
        with self._lock:
            if self._client is None:
                try:
                    self._client = connect(self._address, self._access)
                except (BaseError, OSError, ValueError) as error:
                    raise self._error("use", error) from error
            return self._client
