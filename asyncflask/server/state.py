"""What all connections of one server have in common: app, settings, clock, log.

No connection is made or ended here.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Protocol

from ..protocol.events import RequestHead
from ..typing import ASGIApplication
from .config import Config

logger = logging.getLogger("asyncflask.server")
access_logger = logging.getLogger("asyncflask.access")

# Bytes that are read at a time: what an upload costs is mostly the rounds of the loop.
READ_SIZE = 256 * 1024

# Everything but what is printed as it is; the quote and the backslash would blur a line's fields.
_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")


BODILESS = frozenset({204, 304})


class Client(Protocol):
    """A connection, as the server sees it."""

    def tick(self, now: float) -> None:
        """End what is overdue."""

    def shut_down(self) -> None:
        """Close now, or behind the answer that is under way."""

    def abort(self) -> None:
        """Close at once."""


class ServerState:
    """The server as its connections see it.

    Args:
        app: The ASGI application.
        config: The settings.
        clock: Seconds, ever rising; timeouts are told by it.
    """

    def __init__(
        self, app: ASGIApplication, config: Config, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.config = config
        self.clock = clock
        self.connections: set[Client] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self.read_buffer = memoryview(bytearray(READ_SIZE))
        #: the lifespan's ``state``, where the app has a lifespan
        self.state: dict[str, Any] | None = None
        self.scheme_suffix = "s" if config.ssl is not None else ""
        self.server_header = config.server_header.encode("latin-1")
        self.date = b""
        self.log_access = config.access_log and access_logger.isEnabledFor(logging.INFO)
        self.tick()

    def tick(self) -> None:
        """Look after the date and every connection's deadlines; once a second or more often."""
        self.date = formatdate(time.time(), usegmt=True).encode("ascii")
        now = self.clock()
        for connection in list(self.connections):
            connection.tick(now)


def log_request(
    client: tuple[str, int] | None, request: RequestHead, status: int, size: int
) -> None:
    """Write one line in the common log format.

    Args:
        client: The client's address; ``None`` at a unix socket.
        request: What was asked.
        status: What was answered.
        size: How many bytes the app gave for the answer's body.
    """
    if request.method == "HEAD" or status in BODILESS:
        size = 0  # What the app gives is not sent.
    access_logger.info(
        '%s - - [%s] "%s %s HTTP/%s" %d %s',
        client[0] if client else "-",
        time.strftime("%d/%b/%Y:%H:%M:%S %z"),
        escape(request.method.encode("latin-1")),
        escape(request.target),
        request.http_version,
        status,
        size or "-",
    )


def escape(data: bytes) -> str:
    r"""Escape what would end a log line, fake a field of it or steer a terminal (CVE-2020-7694).

    >>> escape(b'/a\x1b[2J"')
    '/a\\x1b[2J\\x22'
    """
    return _UNSAFE.sub(lambda match: b"\\x%02x" % match[0][0], data).decode("ascii")
