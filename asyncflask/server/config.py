"""How the embedded server is set: sizes in bytes, times in seconds.

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
        limits: What one connection may cost.
        connections: How many may be open at a time; one more is answered with 503.
        body_queue: Bytes kept of what a client sends before anybody asks for it; reading pauses
            from there on, with up to 256 KiB of the last read beyond it. It bounds pipelined
            requests and websocket messages as well.
        write_buffer: Bytes kept of what a client does not read; ``send()`` waits from there on.
        handshake_timeout: For TLS, and for a websocket's app to accept or refuse.
        write_timeout: Without a byte that a client takes while there is something for it.
        close_timeout: For the client to answer a close, or to take the end of a refusal.
        ping_interval: After so long without a word a websocket is asked whether it is still there;
            after as long again it is taken for gone. 0: never.
        grace: For what runs when the server is stopped.
        lifespan_timeout: For the app's ``after_serving`` functions.
        ssl: What makes it HTTPS.
        root_path: Where the app is mounted. (ASGI's ``root_path``.)
        server_header: The ``Server`` header; empty for none.
        access_log: Whether each answer is a line of the log ``asyncflask.access``.
        loop: ``"asyncio"``, ``"uvloop"``, or ``"auto"``: uvloop's where that is installed. It is
            for :func:`run`, which makes a loop.

    Raises:
        ValueError: A size or time is negative, or zero where nothing would work then.
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
    lifespan_timeout: float = 30.0
    ssl: ssl.SSLContext | None = None
    root_path: str = ""
    server_header: str = "asyncflask"
    access_log: bool = True
    loop: str = "auto"

    def __post_init__(self) -> None:
        for owner in (self, self.limits):
            for setting in dataclasses.fields(owner):
                _check(setting.name, getattr(owner, setting.name))
        if self.loop not in LOOPS:
            raise ValueError(f"loop={self.loop!r} is no event loop. Choose one of {LOOPS!r}.")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path[-1] == "/"):
            raise ValueError(
                f"root_path={self.root_path!r} cannot be a prefix of a path. Write it with a"
                " slash at its beginning and none at its end, like '/shop', or leave it empty."
            )


_MAY_BE_ZERO = ("ping_interval", "grace")


def _check(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    if value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
        least = "0 or more" if name in _MAY_BE_ZERO else "more than 0"
        raise ValueError(f"{name}={value!r} is no limit that a server can keep. Set {least}.")
