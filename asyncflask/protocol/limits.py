"""The limits of one connection: sizes in bytes, times in seconds.

``http1.py`` and ``websocket.py`` check the sizes and compute the deadlines; ``server/`` has the
clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one connection.

    Args:
        header_bytes: Size of request line and headers together; size of the trailers.
        headers: Number of a request's header fields; number of trailers.
        message_bytes: Size of a websocket message, after decompression.
        fragments: Number of frames of a websocket message. Only the payload of a frame is kept, so
            many frames cost only time; Autobahn's 9.3.1 sends 4 MiB in 65,536 frames.
        header_timeout: Time from a request's first byte (or the connection's start) to its last
            header.
        body_timeout: Time for the next byte of a body that the app waits for.
        keep_alive_timeout: Time for the next byte between two requests.
    """

    header_bytes: int = 64 * 1024
    headers: int = 128
    message_bytes: int = 16 * 1024 * 1024
    fragments: int = 128 * 1024
    header_timeout: float = 10.0
    body_timeout: float = 60.0
    keep_alive_timeout: float = 5.0
