"""Settings of the embedded server: sizes in bytes, times in seconds.

The limits of a single connection are in ``protocol/limits.py``; here are those of the server as a
whole.
"""

from __future__ import annotations

import dataclasses
import ssl
from dataclasses import dataclass, field

from ..protocol.limits import Limits

LOOPS = ("auto", "asyncio", "uvloop")


@dataclass(frozen=True)
class Config:
    """Settings of the embedded server.

    Args:
        limits: Limits of one connection.
        connections: Number of open connections; the next one is answered with 503.
        body_queue: Bytes of what a client sends before the app reads it. Above it reading pauses,
            with up to 256 KiB of the last read in addition. It also limits pipelined requests and
            websocket messages.
        write_buffer: Bytes that a client has not read yet; above it ``send()`` waits.
        handshake_timeout: Seconds for TLS, and for an app to accept or refuse a websocket.
        write_timeout: Seconds in which a client must read a byte while there is something to send.
        close_timeout: Seconds for the client to answer a close, or to read the end of a refusal.
        ping_interval: Seconds of silence after which a websocket gets a ping; after the same time
            without an answer the client counts as disconnected. 0: never.
        grace: Seconds for running requests when the server is stopped.
        idle_grace: Seconds in which a client may still send a request over a connection that is
            idle when the server is stopped; the response ends the connection. 0: it is closed.
        lifespan_timeout: Seconds for the app's ``after_serving`` functions.
        ssl: The context of TLS, for HTTPS.
        root_path: Path at which the app is mounted. (ASGI's ``root_path``.)
        server_header: Value of the header ``Server``; empty: no header.
        access_log: Whether each response is a line of the log ``asyncflask.access``.
        loop: For :func:`run`: ``"asyncio"``, ``"uvloop"``, or ``"auto"``, which is uvloop if it is
            installed.

    Raises:
        TypeError: A size or time is no number, or ``limits`` no :class:`Limits`.
        ValueError: A size or time is negative, or is zero and must not be.
    """

    limits: Limits = field(default_factory=Limits)
    connections: int = 10_000
    body_queue: int = 256 * 1024
    write_buffer: int = 64 * 1024
    handshake_timeout: float = 10.0
    write_timeout: float = 60.0
    close_timeout: float = 5.0
    ping_interval: float = 30.0
    grace: float = 10.0
    idle_grace: float = 0.0
    lifespan_timeout: float = 30.0
    ssl: ssl.SSLContext | None = None
    root_path: str = ""
    server_header: str = "asyncflask"
    access_log: bool = True
    loop: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise TypeError(f"limits={self.limits!r:.100}: write Limits(header_timeout=5, …).")
        for owner in (self, self.limits):
            for setting in dataclasses.fields(owner):
                if isinstance(setting.default, (int, float)) and setting.default is not True:
                    _check(setting.name, getattr(owner, setting.name))
        if self.loop not in LOOPS:
            raise ValueError(f"loop={self.loop!r} is no event loop. Choose one of {LOOPS!r}.")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path[-1] == "/"):
            raise ValueError(
                f"root_path={self.root_path!r} cannot be a prefix of a path. Write it with a"
                " slash at its beginning and none at its end, like '/shop', or leave it empty."
            )


_MAY_BE_ZERO = ("ping_interval", "grace", "idle_grace")


def _check(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}={value!r:.100} is no number. Write bytes, seconds or a count.")
    if value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
        least = "0 or more" if name in _MAY_BE_ZERO else "more than 0"
        raise ValueError(f"{name}={value!r} is no limit that a server can keep. Set {least}.")
