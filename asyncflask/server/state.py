"""State that all connections of one server share: app, settings, clock, log.

Other modules open and close the connections.
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

# Bytes per read: most of an upload's cost are the rounds of the loop.
READ_SIZE = 256 * 1024

# Everything that is escaped; a quote or backslash would make a line's fields ambiguous.
_UNSAFE = re.compile(rb"[^ !#-\[\]-~]")


BODILESS = frozenset({204, 304})


class Client(Protocol):
    """A connection, as far as the server uses it."""

    def tick(self, now: float) -> None:
        """End the connection or request if its deadline has passed.

        Args:
            now: The loop's time, in seconds.
        """

    def shut_down(self) -> None:
        """Close now, or after the current response."""

    def abort(self) -> None:
        """Close at once."""


class ServerState:
    """The state of a server for its connections.

    Args:
        app: The ASGI application.
        config: The settings.
        clock: Returns monotonic seconds, for timeouts.
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
        #: the lifespan's ``state``, if the app supports the lifespan
        self.state: dict[str, Any] | None = None
        self.scheme_suffix = "s" if config.ssl is not None else ""
        self.server_header = config.server_header.encode("latin-1")
        self.date = b""
        self.log_access = config.access_log and access_logger.isEnabledFor(logging.INFO)
        self.tick()

    def tick(self) -> None:
        """Update the date and check every connection's deadlines, at least once a second."""
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
        status: The status of the response.
        size: Bytes of the response's body.
    """
    if request.method == "HEAD" or status in BODILESS:
        size = 0  # The body is not sent.
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

    Args:
        data: The bytes of the client.

    Returns:
        Printable ASCII.

    >>> escape(b'/a\x1b[2J"')
    '/a\\x1b[2J\\x22'
    """
    return _UNSAFE.sub(lambda match: b"\\x%02x" % match[0][0], data).decode("ascii")
