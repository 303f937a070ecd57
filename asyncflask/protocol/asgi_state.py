"""Which ASGI message an app may send in which state: the specification as tables, and its check.

Each user keeps its state, a key of one of :data:`TABLES`, and calls :func:`advance` with each
message: the server's streams and lifespan, the test client, and ``wrappers/websocket``. A message
that is not allowed raises :class:`IllegalMessage`. ``http1.py`` and ``websocket.py`` check
headers and the length of bodies, and write the bytes. ``make diagrams`` writes the page
``docs/reference/asgi-messages.md`` from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, MutableMapping
from typing import Any

Table = Mapping[str, Mapping[str, str]]
Message = MutableMapping[str, Any]
Check = Callable[[Message], str]

# An event is a message's type, with a suffix for its flag if it has one: see FLAGS.

#: ASGI: HTTP, "Response Start", "Response Body"; extensions only if the scope offers them.
HTTP: Table = {
    "WAITING": {
        "http.response.start": "STARTED",
        "http.response.start (trailers)": "ANNOUNCED",
        "http.response.push": "WAITING",
        "http.response.early_hint": "WAITING",
        "http.response.debug": "WAITING",
    },
    "STARTED": {
        "http.response.body": "STARTED",
        "http.response.body (last)": "COMPLETE",
        "http.response.pathsend": "COMPLETE",
        "http.response.push": "STARTED",
    },
    "ANNOUNCED": {
        "http.response.body": "ANNOUNCED",
        "http.response.body (last)": "TRAILERS",
        "http.response.push": "ANNOUNCED",
    },
    "TRAILERS": {
        "http.response.trailers": "TRAILERS",
        "http.response.trailers (last)": "COMPLETE",
    },
    "COMPLETE": {},
}

#: ASGI: WebSocket, and its extension "Websocket Denial Response".
WEBSOCKET: Table = {
    "CONNECTING": {
        "websocket.accept": "OPEN",
        "websocket.close": "COMPLETE",
        "websocket.http.response.start": "DENYING",
    },
    "DENYING": {
        "websocket.http.response.body": "DENYING",
        "websocket.http.response.body (last)": "COMPLETE",
    },
    "OPEN": {"websocket.send": "OPEN", "websocket.close": "COMPLETE"},
    "COMPLETE": {},
}

#: ASGI: Lifespan. The server's messages change the state as well: the app only answers them.
LIFESPAN: Table = {
    "WAITING": {"lifespan.startup": "STARTING"},
    "STARTING": {
        "lifespan.startup.complete": "RUNNING",
        "lifespan.startup.failed": "COMPLETE",
    },
    "RUNNING": {"lifespan.shutdown": "STOPPING"},
    "STOPPING": {
        "lifespan.shutdown.complete": "COMPLETE",
        "lifespan.shutdown.failed": "COMPLETE",
    },
    "COMPLETE": {},
}

TABLES: Mapping[str, Table] = {"http": HTTP, "websocket": WEBSOCKET, "lifespan": LIFESPAN}

#: The events of the tables that the server sends.
SERVERS_OWN = frozenset({"lifespan.startup", "lifespan.shutdown"})

#: Messages with a flag: its field, and the suffix of the event if it is false, and true.
FLAGS: Mapping[str, tuple[str, str, str]] = {
    "http.response.start": ("trailers", "", " (trailers)"),
    "http.response.body": ("more_body", " (last)", ""),
    "http.response.trailers": ("more_trailers", " (last)", ""),
    "websocket.http.response.body": ("more_body", " (last)", ""),
}

#: The key of ``scope["extensions"]`` that an event needs.
EXTENSIONS: Mapping[str, str] = {
    "http.response.push": "http.response.push",
    "http.response.early_hint": "http.response.early_hint",
    "http.response.debug": "http.response.debug",
    "http.response.pathsend": "http.response.pathsend",
    "http.response.start (trailers)": "http.response.trailers",
    "http.response.trailers": "http.response.trailers",
    "http.response.trailers (last)": "http.response.trailers",
    "websocket.http.response.start": "websocket.http.response",
    "websocket.http.response.body": "websocket.http.response",
    "websocket.http.response.body (last)": "websocket.http.response",
}

# RFC 6455 §7.4.1 and IANA's "WebSocket Close Code Number Registry".
#: The codes of a close frame. 1004, 1005, 1006 and 1015 are reserved and never sent.
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
#: The maximum size of a reason: a control frame has 125 bytes, two of which are the code (§5.5).
REASON_BYTES = 123


class IllegalMessage(RuntimeError):
    """The app sent a message that ASGI does not allow in this state, or a malformed one."""


class ClientDisconnected(OSError):
    """The app sent a message after the client had disconnected.

    Source: ``ASGI: HTTP, "Disconnected Client - send exception"``.
    """


def advance(table: Table, state: str, message: Message, extensions: Container[str]) -> str:
    """Return the state after a message of the app.

    Headers and links that are not a list or tuple (ASGI allows any iterable) are replaced by a list
    in the message, because they are read again when they are sent. Names with capitals, which ASGI
    does not allow but Django sends, are replaced by lower case.

    Args:
        table: One of :data:`HTTP`, :data:`WEBSOCKET`, :data:`LIFESPAN`.
        state: A state of that table.
        message: The message.
        extensions: The value of ``scope["extensions"]``.

    Raises:
        IllegalMessage: The message is not allowed in this state, needs an extension that is not
            offered, or is malformed.
    """
    name = message.get("type")
    event = name if type(name) is str else str(name)
    flag = FLAGS.get(event)
    if flag is not None:
        event += flag[2] if message.get(flag[0]) else flag[1]
    after = table[state].get(event)
    needs = _NEEDS.get(event)
    if after is None or needs is None:
        raise _out_of_order(table, state, name)
    extension, checks = needs
    if extension is not None and extension not in extensions:
        raise IllegalMessage(
            f"{name!r} was sent, but scope['extensions'] does not offer {extension!r}."
            " Look there before sending it."
        )
    for field, check in checks:
        expected = check(message)
        if expected:
            raise IllegalMessage(
                f"{name!r} was sent with {field}={message.get(field)!r}; it must be {expected}."
            )
    return after


def _out_of_order(table: Table, state: str, name: object) -> IllegalMessage:
    kind = next((kind for kind, known in TABLES.items() if known is table), "ASGI")
    names = {event.partition(" (")[0] for event in table[state]}
    return IllegalMessage(
        f"{name!r} was sent to the {kind} connection in state {state}."
        f" Allowed there: {', '.join(sorted(names)) or 'nothing more'}."
    )


# A check returns what the field must be, or nothing if the field is correct.


def _check_status(message: Message) -> str:
    return "" if isinstance(message.get("status"), int) else "an int"


def _check_headers(message: Message) -> str:
    headers = message.get("headers")
    if headers is None:
        return ""
    try:
        if type(headers) is not list and type(headers) is not tuple:
            headers = message["headers"] = list(headers)
        for name, value in headers:
            if type(name) is not bytes or type(value) is not bytes or name != name.lower():
                message["headers"] = [(_as_bytes(n).lower(), _as_bytes(v)) for n, v in headers]
                break
    except (TypeError, ValueError):
        return _PAIRS
    return ""


_PAIRS = "an iterable of pairs of bytes, such as [(b'content-type', b'text/plain')]"


def _as_bytes(value: object) -> bytes:
    """Return ``bytes``, as ASGI requires, for headers of another bytes type."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError
    return bytes(value)


def _is_bytes(value: object) -> bool:
    return value is None or isinstance(value, (bytes, bytearray, memoryview))


def _check_body(message: Message) -> str:
    return "" if _is_bytes(message.get("body")) else "bytes"


def _check_path(message: Message) -> str:
    return "" if isinstance(message.get("path"), str) else "a str"


def _check_links(message: Message) -> str:
    links = message.get("links")
    try:
        if type(links) is not list and type(links) is not tuple:
            links = message["links"] = list(links or ())
        return "" if all(type(link) is bytes for link in links) else "an iterable of bytes"
    except TypeError:
        return "an iterable of bytes"


def _check_text(message: Message) -> str:
    text = message.get("text")
    if text is None and message.get("bytes") is None:
        return "a str where there are no bytes"
    return "" if text is None or isinstance(text, str) else "a str or None"


def _check_bytes(message: Message) -> str:
    return "" if _is_bytes(message.get("bytes")) else "bytes or None"


def _check_code(message: Message) -> str:
    return "" if isinstance(message.get("code", 1000), int) else "an int"


def _check_reason(message: Message) -> str:
    reason = message.get("reason")
    return "" if reason is None or isinstance(reason, str) else "a str or None"


def _check_subprotocol(message: Message) -> str:
    subprotocol = message.get("subprotocol")
    return "" if subprotocol is None or isinstance(subprotocol, str) else "a str or None"


#: The checks of a message, by field.
FIELDS: Mapping[str, Mapping[str, Check]] = {
    "http.response.start": {"status": _check_status, "headers": _check_headers},
    "http.response.body": {"body": _check_body},
    "http.response.trailers": {"headers": _check_headers},
    "http.response.push": {"path": _check_path, "headers": _check_headers},
    "http.response.early_hint": {"links": _check_links},
    "http.response.pathsend": {"path": _check_path},
    "websocket.accept": {"subprotocol": _check_subprotocol, "headers": _check_headers},
    "websocket.send": {"text": _check_text, "bytes": _check_bytes},
    "websocket.close": {"code": _check_code, "reason": _check_reason},
    "websocket.http.response.start": {"status": _check_status, "headers": _check_headers},
    "websocket.http.response.body": {"body": _check_body},
}

_EVENTS = {event for table in TABLES.values() for row in table.values() for event in row}
#: The entries of EXTENSIONS and FIELDS, by event.
_NEEDS: Mapping[str, tuple[str | None, tuple[tuple[str, Check], ...]]] = {
    event: (EXTENSIONS.get(event), tuple(FIELDS.get(event.partition(" (")[0], {}).items()))
    for event in _EVENTS - SERVERS_OWN
}
