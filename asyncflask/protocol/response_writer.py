"""One response: writes its head and the framing of its body as bytes.

h11 could write it, at ten times the cost; the rules that h11 would check are checked here. Section
numbers alone are those of :rfc:`9112`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from http import HTTPStatus

from .asgi_state import IllegalMessage
from .events import RequestHead

Fields = Sequence[tuple[bytes, bytes]]

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Everything except control characters; the tab is allowed. (RFC 9110 §5.5.)
_PRINTED = bytes(set(range(256)) - set(range(0x20)) - {0x7F} | set(b"\t"))
_DIGITS = re.compile(rb"[0-9]{1,18}")
#: fields that the framing or the connection depends on
_OURS = frozenset((b"content-length", b"transfer-encoding", b"connection"))
#: RFC 9110 §6.5.1: fields that a recipient needs before the body must not be trailers
_NO_TRAILERS = _OURS | {b"host", b"content-type", b"content-encoding", b"set-cookie"}
_STATUS_LINES = {
    status: b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode("ascii"))
    for status in map(int, HTTPStatus)
}
#: fields that need more than writing
_SPECIAL = _OURS | {b"date", b"server", b"upgrade"}
# PERF: names repeat from response to response, so each is checked once, which saves a quarter of
# writing a small response: these are lower-case tokens and not special. Bounded, because an app may
# use names from its clients.
_plain: set[bytes] = set()
_PLAIN = 1024


class ResponseWriter:
    """The response to one request.

    Args:
        request: The request; ``None`` if it could not be read.
        date: Value of the header ``Date``; none is written if it is empty.
        server: Value of the header ``Server``; none is written if it is empty.

    Attributes:
        begun: Whether a part of it was written.
        closes: Whether the connection ends after it.
    """

    __slots__ = (
        *("begun", "closes", "_chunked", "_date", "_headers", "_is_head"),
        *("_is_current", "_left", "_length", "_server", "_status", "_trailers"),
    )

    def __init__(self, request: RequestHead | None, date: bytes, server: bytes) -> None:
        self.begun = False
        self.closes = request is None or not request.keep_alive
        self._is_head = request is not None and request.method == "HEAD"
        self._is_current = request is None or request.http_version == "1.1"
        self._date = date
        self._server = server
        self._status = 0
        self._headers = b""
        self._length: int | None = None
        self._left: int | None = None
        self._chunked = False
        self._trailers = False

    def start(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], trailers: bool = False
    ) -> None:
        """Set the status and the headers; they are written with the first piece of the body.

        Args:
            status: 200 to 999.
            headers: Written in the order given, the names in lower case.
            trailers: Whether :meth:`trailers` is called at the end.

        Raises:
            IllegalMessage: A header is not allowed, or contradicts another one.
        """
        if not 200 <= status <= 999:
            raise IllegalMessage(
                f"The response was started with status={status!r}; a final answer has 200 to 599."
                " (103 is 'http.response.early_hint'.)"
            )
        self._status = status
        self._trailers = trailers
        lines = [b""]
        for name, value in headers:
            if name in _plain:
                lines.append(name + b": " + value)
            else:
                self._take(name.lower(), value, lines)
        if self._date:
            lines.append(b"date: " + self._date)
        if self._server:
            lines.append(b"server: " + self._server)
        self._headers = b"\r\n".join(lines)
        # Searched as a whole: only the ends of its lines may remain.
        if self._headers.translate(None, _PRINTED) != b"\r\n" * (len(lines) - 1):
            raise _control_character(headers)

    def _take(self, name: bytes, value: bytes, lines: list[bytes]) -> None:
        """Process a special or new header; :meth:`_finish_head` writes those of the framing."""
        if name == b"content-length":
            known = self._length
            if not _DIGITS.fullmatch(value) or known not in (None, int(value)):
                raise IllegalMessage(
                    f"The response was started with content-length: {value!r}; it is one number of"
                    " bytes. Give the body's length, or leave the header out."
                )
            self._length = int(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise IllegalMessage(
                    f"The response was started with transfer-encoding: {value!r}; how a body is"
                    " framed is the server's affair. Leave the header out."
                )
        elif name == b"connection":
            options = [option.strip() for option in value.lower().split(b",")]
            self.closes = self.closes or b"close" in options
        else:
            self._add(name, value, lines)

    def _add(self, name: bytes, value: bytes, lines: list[bytes]) -> None:
        lines.append(name + b": " + value)
        if name == b"date":
            self._date = b""
        elif name == b"server":
            self._server = b""
        elif name == b"upgrade":
            lines.append(b"connection: upgrade")  # RFC 9110 §7.8: required by Upgrade.
        else:
            _check_name(name)

    def add_length(self, length: int) -> None:
        """Set the length of the body, if the headers have none.

        Args:
            length: The length, in bytes.
        """
        if self._length is None and not self._trailers:
            self._length = length

    def body(self, data: bytes, more: bool) -> bytes:
        """Return the bytes of a piece of the body, after the head if it is the first.

        Args:
            data: The bytes; may be empty.
            more: Whether this is not the last piece.

        Raises:
            IllegalMessage: The body is longer or shorter than its Content-Length.
        """
        head = b"" if self.begun else self._finish_head(data, more)
        if self._left is not None:
            self._count(len(data), more)
        elif self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            if not more and not self._trailers:
                data += b"0\r\n\r\n"
        elif self._is_head or self._status in (204, 304):
            data = b""
        self.begun = True
        return head + data if head else data

    def _count(self, size: int, more: bool) -> None:
        assert self._left is not None
        self._left -= size
        if self._left < 0 or (self._left and not more):
            length = self._length or 0
            raise IllegalMessage(
                f"The response's body has {length - self._left} bytes{' so far' * more}, and its"
                f" content-length says {length}. Send as many as that, or leave the header out."
            )

    def _finish_head(self, data: bytes, more: bool) -> bytes:
        """Return the head, whose framing depends on the first piece of the body. (§6.)"""
        if self._is_head or self._status in (204, 304):
            ours = self._frame_no_body(data, more)
        else:
            ours = self._frame_body(data, more)
        if self.closes:
            ours += b"connection: close\r\n"
        elif not self._is_current:
            ours += b"connection: keep-alive\r\n"
        # §4: the space after the number is required, even without a reason.
        line = _STATUS_LINES.get(self._status) or b"HTTP/1.1 %d " % self._status
        return b"%b%b\r\n%b\r\n" % (line, self._headers, ours)

    def _frame_no_body(self, data: bytes, more: bool) -> bytes:
        """Return the field for the length of a body that is not sent. (RFC 9110 §6.4.1, §8.6.)"""
        self._trailers = False
        if self._is_head and self._length is None and data and not more:
            self._length = len(data)
        if self._length is None or self._status == 204:
            return b""
        return b"content-length: %d\r\n" % self._length

    def _frame_body(self, data: bytes, more: bool) -> bytes:
        """Choose how the client finds the end of the body, and return the field that says so."""
        if self._length is None and not more and not self._trailers:
            self._length = len(data)
        if self._length is None and self._is_current:
            self._chunked = True
            return b"transfer-encoding: chunked\r\n"
        self._trailers = False
        if self._length is None:
            self.closes = True  # §6.3, 8.: for HTTP/1.0 a body ends with the connection.
            return b""
        self._left = self._length
        return b"content-length: %d\r\n" % self._length

    def trailers(self, headers: Fields, more: bool = False) -> bytes:
        """Return the end of a chunked body; nothing if trailers are not possible. (§7.1.2.)

        Args:
            headers: The trailers.
            more: Whether others follow.

        Raises:
            IllegalMessage: A trailer is malformed or not allowed.
        """
        block = _block(headers, _NO_TRAILERS)
        first = b"0\r\n" if self._chunked and self._trailers else b""
        self._trailers = False
        if not self._chunked:
            return b""
        return first + block + (b"" if more else b"\r\n")


def informational(status: int, headers: Fields) -> bytes:
    """Return an interim response. (RFC 9110 §15.2.)

    Args:
        status: 100 or 103.
        headers: The headers.

    Returns:
        The bytes to be sent.
    """
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status
    return b"%b\r\n%b\r\n" % (line, _block(headers, _OURS))


def _block(headers: Fields, refused: Collection[bytes]) -> bytes:
    for name, value in headers:
        _check_name(name.lower())
        if name.lower() in refused or value.translate(None, _PRINTED):
            raise IllegalMessage(
                f"{name!r}: {value!r} cannot be sent here: it has a control character, or belongs"
                " to the head of the answer. Leave it out."
            )
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def _check_name(name: bytes) -> None:
    if not _TOKEN.fullmatch(name):
        raise IllegalMessage(
            f"A header named {name!r} was sent. A name is made of letters, digits and"
            " !#$%&'*+-.^_`|~; write the value apart from it."
        )
    if len(_plain) < _PLAIN and name not in _SPECIAL:
        _plain.add(name)


def _control_character(headers: Iterable[tuple[bytes, bytes]]) -> IllegalMessage:
    """SECURITY: a line break in a value adds a header, or a whole response."""
    for name, value in headers:
        if value.translate(None, _PRINTED):
            return IllegalMessage(
                f"The header {name!r} has a control character in its value {value!r}. Remove or"
                " encode it."
            )
    return IllegalMessage("A header has a control character in its value. Remove or encode it.")
