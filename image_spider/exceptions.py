"""Every error of the project.

ImageSpiderError
├── UsageError            a setting or an argument is wrong: refused at start, exit code 2
├── ShadowedEgg           other code than that of the deployed egg would run: refused at start
├── NothingToCrawl        no start URL could be fetched: the crawl stops
├── PayloadError          a request that cannot be written as JSON or read from it: a dead letter, and the crawl goes on
├── ProxyFailed           a request's proxy did not do its work: another one is tried, and if that fails it is recorded
│   ├── ProxyRefused      the proxy will not fetch from this host
│   ├── ProxyLeft         the proxy was banned or removed while the request waited
│   └── NoProxy           no proxy may be used now
├── RefusedImage          bytes that are not an image to keep: recorded, and the crawl goes on
├── DecodersError         the decoding processes end whenever they are started: the crawl stops
├── LabelModelError       the label model failed while it ran: the crawl stops
├── StoreError            the image store cannot be written or read: the crawl stops
│   ├── StoreAway         it cannot be reached or is overloaded, for longer than was waited for
│   └── DamagedFile       one stored file is missing or not what was stored: reported, and the rest goes on
│       └── UnreadableFile  it is there and cannot be read now, so it may be whole: it is never deleted for that
├── ReportFailed          a platform's API did not take a task's report: the crawl goes on
├── BrokerError           Redis cannot be reached or refuses: commands stop, workers wait
└── CatalogError          the catalog cannot be reached or written: the crawl stops
    ├── SchemaOutdated    the catalog's tables are not those of this version
    ├── BackupError       a backup cannot be made, or is no good, or cannot be put in the catalog's place
    ├── CatalogRefused    the user, the password or the database is wrong: waiting does not mend it
    ├── CatalogBusy       no lock, connection, memory or disk for it now: the work is run again
    ├── FailoverInProgress  the connection was lost before the COMMIT: the work is run again
    ├── StatementTooLong  a statement was cut on a server that is well: the work is run again, not for ever
    ├── CommitUnknown     the connection was lost during COMMIT: work that repeats nothing is run again
    └── NoPrimary         no server takes writes, for longer than the caller wanted to wait
        └── ConflictingPrimaries  several do, and nothing tells which is right: none is written to
"""

from __future__ import annotations


class ImageSpiderError(Exception):
    """Base of every error that the project raises on purpose; its message is one line and says what to do."""


class UsageError(ImageSpiderError):
    """A setting or an argument has a value that is not allowed."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name}={str(value)!r} is not allowed: {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


class ShadowedEgg(ImageSpiderError):
    """The project's packages would not all come from the egg that was deployed."""


class NothingToCrawl(ImageSpiderError):
    """No start URL could be fetched."""


class PayloadError(ImageSpiderError):
    """A request cannot be written as JSON, or a payload of the frontier is no request."""


class RefusedImage(ImageSpiderError):
    """An answer or its bytes are not an image to keep; cause is one of `image_spider.causes`."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class ProxyFailed(ImageSpiderError):
    """A proxy cannot be reached, lets us not in or breaks off; the message names it, without credentials."""


class ProxyRefused(ProxyFailed):
    """A proxy will not fetch from this host."""


class ProxyLeft(ProxyFailed):
    """A proxy was banned or removed between the choice of it and the request's turn."""


class NoProxy(ProxyFailed):
    """No proxy may be used for a request."""


class DecodersError(ImageSpiderError):
    """The processes that decode images end whenever they are started."""


class LabelModelError(ImageSpiderError):
    """The label model failed while it ran."""


class StoreError(ImageSpiderError):
    """The image store cannot be written or read."""


class StoreAway(StoreError):
    """The image store cannot be reached or is overloaded, for longer than IMAGES_STORE_RETRY_SECONDS."""


class DamagedFile(StoreError):
    """A stored file is missing, cannot be read or is not what was stored; the message begins with its path."""


class UnreadableFile(DamagedFile):
    """A stored file is there and the system does not let it be read: nothing is known of its bytes."""


class ReportFailed(ImageSpiderError):
    """A platform's API did not take a report; busy tells that it may another time."""

    def __init__(self, message: str, *, busy: bool) -> None:
        super().__init__(message)
        self.busy = busy


class BrokerError(ImageSpiderError):
    """Redis cannot be reached, or refuses what we ask."""


class CatalogError(ImageSpiderError):
    """The catalog cannot be reached or written."""


class SchemaOutdated(CatalogError):
    """The tables of the catalog are not those that this version needs."""


class BackupError(CatalogError):
    """A backup cannot be made, is damaged, or cannot be put in the catalog's place."""


class CatalogRefused(CatalogError):
    """The catalog's servers refuse the user, the password or the database: the configuration is wrong."""


class CatalogBusy(CatalogError):
    """The catalog has no lock, connection, memory or disk for the work now; nothing of it is committed."""


class FailoverInProgress(CatalogError):
    """The connection was lost, or its server is no primary any more, before the work was committed."""


class StatementTooLong(CatalogError):
    """A statement was cut at CATALOG_STATEMENT_SECONDS, and its server is well; nothing of it is committed."""


class CommitUnknown(CatalogError):
    """The connection was lost during COMMIT, or the standby did not confirm it: the work may be there or not."""


class NoPrimary(CatalogError):
    """No server takes writes."""


class ConflictingPrimaries(NoPrimary):
    """Several servers take writes and nothing tells which one is right, or they belong to different clusters."""
