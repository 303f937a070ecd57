"""The events of a connection: the interface between the protocols and their caller.

Each protocol object has ``receive(data)``, which keeps bytes, and ``next_event()``, which returns
one event from them, or ``None`` while more bytes are needed. If a client breaks the protocol,
``next_event()`` raises a :class:`ProtocolError`.
"""

from __future__ import annotations

from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]


class ProtocolError(Exception):
    """The client broke the protocol; the connection ends with a response.

    Args:
        status: The HTTP status of the response (400, 408, 413, 414, 426, 431, 501, 505 …).
        message: One sentence for the client and the log.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class RequestHead:
    """The head of a request. (:rfc:`9112` §3, §5.)

    Args:
        method: As sent (methods are case-sensitive, :rfc:`9110` §9.1).
        target: The request target as sent.
        path: Its path, percent-decoded as UTF-8 (ASGI's ``path``).
        raw_path: Its path as sent.
        query_string: The text after the first ``?``.
        headers: Names in lower case, values without surrounding white space, in the order sent.
        http_version: ``"1.1"`` or ``"1.0"``.
        has_body: Whether body bytes may follow.
        keep_alive: Whether the client allows another request on the connection.
        expects_continue: Whether the client waits for a 100 before it sends the body.
        upgrade: ``"websocket"`` if the client asks for it, otherwise ``""``.
    """

    method: str
    target: bytes
    path: str
    raw_path: bytes
    query_string: bytes
    headers: Headers
    http_version: str
    has_body: bool
    keep_alive: bool
    expects_continue: bool
    upgrade: str


@dataclass(slots=True)
class Data:
    """A piece of a request's body; never empty."""

    data: bytes


@dataclass(slots=True)
class EndOfMessage:
    """A request is complete, with or without a body before. (Trailers: :rfc:`9110` §6.5.)"""

    trailers: Headers


@dataclass(slots=True)
class ConnectionClosed:
    """The client sends no more, and no request is incomplete."""


@dataclass(slots=True)
class TextMessage:
    """A whole text message. (:rfc:`6455` §5.6.)"""

    data: str


@dataclass(slots=True)
class BytesMessage:
    """A whole binary message. (:rfc:`6455` §5.6.)"""

    data: bytes


@dataclass(slots=True)
class Disconnect:
    """The websocket is closed: the client closed it, disconnected (1006), or exceeded a limit.

    Args:
        code: The close code, 1005 if the client sent none. (:rfc:`6455` §7.1.5.)
        reason: The reason in the close frame.
    """

    code: int
    reason: str


HTTPEvent = RequestHead | Data | EndOfMessage | ConnectionClosed
WebsocketEvent = TextMessage | BytesMessage | Disconnect
