"""What one connection may cost: sizes in bytes, times in seconds.

The numbers alone. ``http1.py`` and ``websocket.py`` hold clients to the sizes and tell the
deadlines, ``server/`` has the clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one connection.

    Args:
        header_bytes: Request line and headers together, also trailers together.
        headers: How many header fields a request has, also how many trailers.
        message_bytes: One websocket message, after decompression.
        fragments: How many frames a websocket message may come in. Of a frame only its payload is
            kept, so that many cost time alone; Autobahn's 9.3.1 sends 4 MiB in 65,536.
        header_timeout: From a request's first byte (or the connection's start) to its last header.
        body_timeout: Without a byte of a body that is waited for.
        keep_alive_timeout: Without a byte between two requests.
    """

    header_bytes: int = 64 * 1024
    headers: int = 128
    message_bytes: int = 16 * 1024 * 1024
    fragments: int = 128 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 60.0
    keep_alive_timeout: float = 5.0
