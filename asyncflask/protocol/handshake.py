"""The opening handshake of a websocket: checks the client's part, and writes the server's.

(:rfc:`6455` §4.2.) ``http1.py`` parses the head, and ``deflate.py`` the parameters of the
extension.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from .asgi_state import IllegalMessage
from .events import Headers, ProtocolError, RequestHead

#: §4.4: sent with a 426, so that the client can try again.
WANTED_VERSION: Headers = [(b"sec-websocket-version", b"13")]

# §1.3
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# §4.2.1, 5.: base64 of 16 bytes.
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")

# RFC 9110 §5.6.2, §5.6.4; RFC 6455 §9.1: a quoted value must be a token.
# Possessive quantifiers make matching linear in the client's bytes.
_CHARACTER = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TOKEN = _CHARACTER + rb"++"
_QUOTED = rb'"((?:\\?' + _CHARACTER + rb')++)"'
_PARAMETER = rb"[ \t]*+;[ \t]*+(%b)(?:[ \t]*+=[ \t]*+(?:(%b)|%b))?+" % (_TOKEN, _TOKEN, _QUOTED)
_ELEMENT = rb"[ \t]*+(?:(%b)((?:%b)*+))?+[ \t]*+(?:,|\Z)" % (_TOKEN, _PARAMETER)
_IS_TOKEN = re.compile(_TOKEN)
_NEXT_PARAMETER = re.compile(_PARAMETER)
_NEXT_ELEMENT = re.compile(_ELEMENT)

# RFC 9110 §5.5: no control character except the tab.
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# The headers of the handshake, and of a body, which a 101 does not have (RFC 9110 §8.6, 9112 §6.1).
_OURS = {
    *(b"connection", b"upgrade", b"content-length", b"transfer-encoding"),
    *(b"sec-websocket-accept", b"sec-websocket-extensions", b"sec-websocket-protocol"),
}


@dataclass(slots=True)
class Extension:
    """One element of Sec-WebSocket-Extensions. (§9.1.)"""

    name: str
    parameters: list[tuple[str, str | None]]


class Handshake:
    """A client's opening handshake, which was checked.

    Args:
        request: The head of the request, whose ``upgrade`` is ``"websocket"``.

    Attributes:
        subprotocols: The subprotocols that the client offers, in its order.
        extensions: The extensions that it offers, in its order.

    Raises:
        ProtocolError: 400, or 426 for a version other than 13 (see :data:`WANTED_VERSION`).
    """

    __slots__ = ("_key", "extensions", "subprotocols")

    def __init__(self, request: RequestHead) -> None:
        # §4.2.1, 1.: "An HTTP/1.1 or higher GET request".
        if request.method != "GET" or request.http_version != "1.1" or request.has_body:
            raise ProtocolError(400, "A websocket begins with a GET of HTTP/1.1 without a body.")
        # 3. and 4.; the parser has compared both fields.
        if request.upgrade != "websocket":
            raise ProtocolError(400, "The request does not ask for an upgrade to a websocket.")
        # 6., before the key, which drafts of other versions did not have.
        if _only(request.headers, b"sec-websocket-version") != b"13":
            raise ProtocolError(426, "This server speaks version 13 of the websocket protocol.")
        self._key = _only(request.headers, b"sec-websocket-key")
        if not _KEY.fullmatch(self._key):
            raise ProtocolError(400, "Sec-WebSocket-Key is not the base64 of 16 bytes.")
        self.subprotocols = _subprotocols(_joined(request.headers, b"sec-websocket-protocol"))
        self.extensions = _extensions(_joined(request.headers, b"sec-websocket-extensions"))

    def answer(
        self,
        subprotocol: str | None,
        extension: bytes,
        headers: Iterable[tuple[bytes, bytes]],
    ) -> bytes:
        """Return the whole 101. (§4.2.2, 5.)

        Args:
            subprotocol: One of :attr:`subprotocols`, or ``None``.
            extension: The value of Sec-WebSocket-Extensions; none is written if it is empty.
            headers: The headers of the app and of the server.

        Raises:
            IllegalMessage: The subprotocol was not offered, or a header is malformed or belongs to
                the handshake.
        """
        if subprotocol is not None and subprotocol not in self.subprotocols:
            raise IllegalMessage(
                f"'websocket.accept' was sent with subprotocol={subprotocol!r}, and the client"
                f" offers {self.subprotocols!r}. Choose one of scope['subprotocols'], or None."
            )
        accept = b64encode(hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest())
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept,
        ]
        if subprotocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("ascii"))
        if extension:
            lines.append(b"Sec-WebSocket-Extensions: " + extension)
        lines += [_line(name, value) for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _only(headers: Headers, wanted: bytes) -> bytes:
    """Return the value of a field that a handshake has exactly once. (§11.3.1, §11.3.5.)"""
    values = [value for name, value in headers if name == wanted]
    if len(values) != 1:
        name = wanted.decode("ascii").title().replace("socket", "Socket")
        raise ProtocolError(400, f"The handshake has {len(values)} fields {name}, not one.")
    return values[0]


def _joined(headers: Headers, wanted: bytes) -> bytes:
    """Return a list that several fields may contain. (§11.3.2, §11.3.4.)"""
    return b",".join([value for name, value in headers if name == wanted])


def _subprotocols(value: bytes) -> list[str]:
    """Return the value of Sec-WebSocket-Protocol. (§11.3.4: a list of tokens.)"""
    names = [piece for piece in (raw.strip(b" \t") for raw in value.split(b",")) if piece]
    # SECURITY: CVE-2026-42544. Not only ASCII arrives here.
    if not all(map(_IS_TOKEN.fullmatch, names)):
        raise ProtocolError(400, "Sec-WebSocket-Protocol is not a list of tokens.")
    return list(dict.fromkeys(name.decode("ascii") for name in names))


def _extensions(value: bytes) -> list[Extension]:
    """Return the value of Sec-WebSocket-Extensions. (§9.1; a malformed value is refused.)"""
    found: list[Extension] = []
    position = 0
    while position < len(value):
        element = _NEXT_ELEMENT.match(value, position)
        if element is None:
            raise ProtocolError(400, "Sec-WebSocket-Extensions is malformed.")
        position = element.end()
        # RFC 9110 §5.6.1.2: empty elements of a list are ignored.
        if element[1]:
            found.append(Extension(element[1].decode("ascii"), _parameters(element[2])))
    return found


def _parameters(text: bytes) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for name, token, quoted in _NEXT_PARAMETER.findall(text):
        value = token or quoted.replace(b"\\", b"")
        found.append((name.decode("ascii"), value.decode("ascii") or None))
    return found


def _line(name: bytes, value: bytes) -> bytes:
    if name.lower() in _OURS:
        raise IllegalMessage(
            f"'websocket.accept' was sent with the header {name!r}, which the server writes."
            " Leave it out; a subprotocol is chosen with 'subprotocol'."
        )
    if not _IS_TOKEN.fullmatch(name) or _BAD_VALUE.search(value):
        raise IllegalMessage(
            f"'websocket.accept' was sent with the header {name!r}: {value!r}. A name is made of"
            " letters, digits and !#$%&'*+-.^_`|~, a value has no control characters."
        )
    return name + b": " + value
