"""The server's side of an HTTP/1.1 connection: bytes in, events out; responses in, bytes out.

Requests are handled one after the other: what the client sends during a response is only buffered.
``request_receiver.py`` reads the requests, ``response_writer.py`` writes each response. The caller
passes the time in. Section numbers alone are :rfc:`9112`'s.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from ..exceptions import RETRY_AFTER
from .events import ProtocolError
from .handshake import WANTED_VERSION
from .limits import Limits
from .request_receiver import CHUNKED, DONE, END, FAILED, LENGTH, RequestReceiver
from .response_writer import Fields, ResponseWriter, informational


class HTTP1(RequestReceiver):
    """One connection.

    Args:
        limits: The limits.
        now: The time, in seconds of the caller's clock, as in every method.

    Attributes:
        date: Value of the header ``Date``; none is written if it is empty.
        server: Value of the header ``Server``; none is written if it is empty.
        last: Whether the connection ends after the current response.
    """

    __slots__ = ("_response", "date", "last", "server")

    def __init__(self, limits: Limits, now: float) -> None:
        super().__init__(limits, now)
        self.date = b""
        self.server = b""
        self.last = False
        self._response: ResponseWriter | None = None

    def informational(self, status: int, headers: Fields = ()) -> bytes:
        """Return a 100 or 103. (RFC 9110 §15.2.)

        Nothing for HTTP/1.0, which does not have them, and nothing in the middle of a response.

        Args:
            status: 100 or 103.
            headers: The headers.

        Returns:
            The bytes to be sent.
        """
        request, answer = self._request, self._response
        if request is None or request.http_version == "1.0" or (answer and answer.begun):
            return b""
        return informational(status, headers)

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], *, trailers: bool = False
    ) -> None:
        """Begin the response; its head is written with the first piece of the body.

        Args:
            status: 200 to 999.
            headers: Written in the order given, the names in lower case.
            trailers: Whether :meth:`trailers` is called at the end.

        Raises:
            IllegalMessage: A header is not allowed, or contradicts another one.
        """
        answer = self._response = ResponseWriter(self._request, self.date, self.server)
        if self.last or self._next is FAILED:
            answer.closes = True
        answer.start(status, headers, trailers)

    def add_length(self, length: int) -> None:
        """Set the length of the body, if the headers have none.

        Args:
            length: The length, in bytes.
        """
        assert self._response is not None
        self._response.add_length(length)

    def body(self, data: bytes, more: bool) -> bytes:
        """Return the bytes of a piece of the body, after the head if it is the first.

        Args:
            data: The bytes; may be empty.
            more: Whether this is not the last piece.

        Raises:
            IllegalMessage: The body is longer or shorter than its Content-Length.
        """
        answer = self._response
        assert answer is not None  # It was started: asgi_state.py checks it.
        if not more and not answer.begun:
            # §9.6: after an unread body the connection ends, and the response says so.
            unread = self._next is LENGTH and self._left > self.buffered
            if unread or self._next is CHUNKED:
                answer.closes = True
        return answer.body(data, more)

    def trailers(self, headers: Fields, more: bool = False) -> bytes:
        """Return the end of a chunked body; nothing if trailers are not possible. (§7.1.2.)

        Args:
            headers: The trailers.
            more: Whether others follow.

        Raises:
            IllegalMessage: A trailer is malformed or not allowed.
        """
        assert self._response is not None
        return self._response.trailers(headers, more)

    @property
    def answering(self) -> bool:
        """Whether a part of the response was written."""
        return self._response is not None and self._response.begun

    def refusal(self, error: ProtocolError) -> bytes:
        """Return a complete response for an error; nothing if another one has begun.

        Args:
            error: The response has its status, and its message as the body.

        Returns:
            The bytes to be sent.
        """
        if self._response is not None and self._response.begun:
            return b""
        self._next = FAILED
        self.deadline = None
        text = f"{error}\n".encode("utf-8", "backslashreplace")
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        if error.status == 426:
            headers += [(b"upgrade", b"websocket"), *WANTED_VERSION]  # RFC 9110 §15.5.22.
        elif error.status == 503:
            headers.append((b"retry-after", b"%d" % random.randint(*RETRY_AFTER)))  # §10.2.3.
        self.start(error.status, headers)
        return self.body(text, False)

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow, after this one was read to its end.

        (§9.3. An unread body would be read as a request: CVE-2022-29361.)
        """
        answer = self._response
        return (
            answer is not None
            and not answer.closes
            and not self.last
            and (self._next is END or self._next is DONE)
        )

    def next_request(self, now: float) -> None:
        """Continue after a complete response, if :attr:`keep_alive` allows it.

        Args:
            now: The time, in seconds of the caller's clock.
        """
        super().next_request(now)
        self._response = None
