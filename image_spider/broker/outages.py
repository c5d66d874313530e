"""Which errors of Redis pass by themselves, and what to tell the user meanwhile."""

from __future__ import annotations

import re
import ssl

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004  its name in redis-py
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

# The error of a command within a script comes wrapped in the script's own, so codes are searched for in the text.
CODES = {
    "OOM": "Redis is full: raise its maxmemory or remove other data",
    "LOADING": "Redis loads its data from disk",
    "READONLY": "this Redis is a replica; waiting for the new primary",
    "MASTERDOWN": "the replica has lost its primary",
    "CLUSTERDOWN": "a part of the Redis Cluster is down",
    "TRYAGAIN": "the Redis Cluster moves the data",
    "NOREPLICAS": "Redis has too few replicas to write",
    "MISCONF": "Redis cannot save to its disk and refuses writes",
    "BUSY": "Redis is busy with a script",
}
CLASSES: dict[type[Exception], str] = {
    OutOfMemoryError: CODES["OOM"],
    BusyLoadingError: CODES["LOADING"],
    ReadOnlyError: CODES["READONLY"],
    MasterDownError: CODES["MASTERDOWN"],
    ClusterDownError: CODES["CLUSTERDOWN"],
    TryAgainError: CODES["TRYAGAIN"],
    TimeoutError: "Redis does not answer",
}
_CODE = re.compile(rf"(?:^|[\s-])({'|'.join(CODES)})\b")
# redis-py (8.1.0) takes a connection's streams away when another task closes it, and trips over that in this one.
_CLOSED = "'NoneType' object has no attribute"
_MISTAKE = re.compile(
    r"cluster mode is not enabled|cluster support disabled|DB index is out of range|NOPERM"
    r"|certificate|No such file|\[X509",  # the last two: what ssl_ca_certs names
    re.IGNORECASE,
)


def is_mistake(error: BaseException) -> bool:
    """Tell whether the URL, the password or the permissions are wrong, which waiting does not mend."""
    return isinstance(error, AuthenticationError | ssl.SSLCertVerificationError) or bool(_MISTAKE.search(str(error)))


def outage(error: BaseException) -> str | None:
    """Say why Redis is away; None for an error that a repetition would only repeat."""
    for kind, reason in CLASSES.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, ConnectionError | RedisClusterException | OSError):
        return f"Redis cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
    if isinstance(error, AttributeError) and _CLOSED in str(error):
        return "Redis cannot be reached (the connection was closed)"
    found = _CODE.search(str(error)) if isinstance(error, RedisError) else None
    return CODES[found[1]] if found else None
