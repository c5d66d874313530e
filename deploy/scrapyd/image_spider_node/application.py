"""The node as a whole: Scrapyd's application, started under conditions. `application` in scrapyd.conf."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from scrapyd.app import application as stock_application
from scrapyd.exceptions import ConfigError
from twisted.application.internet import TCPServer, UNIXServer
from twisted.application.service import IServiceCollection

from image_spider_node.monitoring import Monitoring
from image_spider_node.request import BoundedRequest

LOCK = "node.lock"


def application(config: Any) -> Any:
    """Return Scrapyd's application; end with words when nobody may log in, or another daemon has the folders."""
    _require_credentials(config)
    lock = _lock(Path(config.get("dbs_dir", "dbs")))
    app = stock_application(config)
    Monitoring.of(config, app).setServiceParent(app)
    app.node_lock = lock  # held as long as the application lives; the kernel gives it back when the process ends

    class Bounded(BoundedRequest):
        max_bytes = config.getint("request_max_bytes", BoundedRequest.max_bytes)

    services: Any = IServiceCollection(app)
    for service in services:
        if isinstance(service, TCPServer | UNIXServer):
            service.args[1].requestFactory = Bounded
    return app


def _require_credentials(config: Any) -> None:
    for name in ("username", "password"):
        if not (os.environ.get(f"SCRAPYD_{name.upper()}") or config.get(name, "")):
            raise ConfigError(
                f"A node runs the code of whoever may log in: set SCRAPYD_{name.upper()} in the environment."
            )


def _lock(folder: Path) -> int:
    """Lock the node's folders, so that a second daemon does not take the jobs of the first one for lost."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigError(
            f"Another node is running on {folder.absolute()}: stop it, or start this one in a folder of its own."
        ) from error
    return descriptor
