"""The ASGI scope of a request that came in over WSGI, or whose environ a test client made.

Every conversion from environ to scope is here, so that all treat a faulty environ alike, as
Werkzeug's request does: a port that is not a number is unknown, a path that is not UTF-8 has U+FFFD
in it, and a character that WSGI does not allow raises :exc:`UnicodeEncodeError`.

Source: :pep:`3333`; ``ASGI: WSGI compatibility``; ``Werkzeug: wrappers.Request.__init__``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from ..typing import Scope
from ..wrappers.request.sync import CONTEXT_KEY
from ..wrappers.request.target import take_environ_apart

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Keys of an environ that are said by the scope as well, besides the headers.
SCOPE_KEYS = frozenset(
    {
        *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI"),
        *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT"),
        *("CONTENT_TYPE", "CONTENT_LENGTH", "wsgi.url_scheme"),
    }
)

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_HEADERS_WITHOUT_PREFIX = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
#: Copies that some servers add to the keys without the prefix (as CGI once did).
_COPIES = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})
_PROTOCOL = re.compile(r"HTTP/(\d(?:\.\d)?)", re.ASCII)
_SCHEME_AND_HOST = re.compile(r"\Ahttps?://[^/]*", re.IGNORECASE)
_END_OF_PATH = re.compile(r"[?#]")
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # besides letters, digits, "-", "." and "_" (RFC 3986 §3.3)


def kept_scope(environ: WSGIEnvironment) -> Scope | None:
    """Return the scope that an environ was made from.

    Args:
        environ: The environ, as it reached the app.

    Returns:
        The ASGI server's scope; ``None`` if the request came in over WSGI, or if WSGI middleware
        has changed what the environ says of the request.
    """
    variables = getattr(environ.get(CONTEXT_KEY), "variables", None)
    if variables is None or not variables.items() <= environ.items():
        return None
    scope: Scope = environ["asgi.scope"]
    return scope


def routing_scope(environ: WSGIEnvironment) -> Scope:
    """Return the part of a scope that dispatching reads: method, path, root path and cookies.

    Args:
        environ: The environ. If its path is a whole URL (:rfc:`9112` §3.2.2), it is changed: it
            gets that URL's path and host.

    Returns:
        A scope without the other keys.

    Raises:
        UnicodeEncodeError: A string has characters that WSGI does not allow.
    """
    cookie = environ.get("HTTP_COOKIE")
    root_path, path = _paths(environ)
    return {
        "type": "http",
        "method": environ.get("REQUEST_METHOD", "GET"),
        "path": path,
        "root_path": root_path,
        "headers": [] if cookie is None else [(b"cookie", _bytes(environ, "HTTP_COOKIE"))],
    }


def build_scope(
    environ: WSGIEnvironment, lines: Mapping[str, Sequence[str]] | None = None
) -> Scope:
    """Make the whole scope of the request that an environ describes.

    Args:
        environ: The environ. It is changed as by :func:`routing_scope`.
        lines: The values of headers that have several lines, by the environ's keys; an environ
            joins them.

    Returns:
        The scope. It has the server's own keys (``state``, ``extensions``) if the environ was made
        from a scope.

    Raises:
        UnicodeEncodeError: A string has characters that WSGI does not allow.
    """
    root_path, path = _paths(environ)
    protocol = _PROTOCOL.fullmatch(environ.get("SERVER_PROTOCOL", ""))
    peer, name = environ.get("REMOTE_ADDR"), environ.get("SERVER_NAME")
    return {
        "asgi": dict(_ASGI),
        **(environ.get("asgi.scope") or {}),
        "type": "http",
        "http_version": protocol[1] if protocol else "1.1",
        "method": environ.get("REQUEST_METHOD", "GET"),
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "root_path": root_path,
        "path": path,
        "raw_path": _raw_path(environ, root_path, path),
        "query_string": _bytes(environ, "QUERY_STRING"),
        "headers": list(_header_pairs(environ, lines or {})),
        "client": (peer, _port(environ, "REMOTE_PORT") or 0) if peer else None,
        "server": None if name is None else (name, _port(environ, "SERVER_PORT")),
    }


def _paths(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return ``root_path`` and ``path``, which begins with the root path."""
    root_path = _decoded(environ, "SCRIPT_NAME").rstrip("/")
    path = _decoded(environ, "PATH_INFO")
    if path[:1] in ("/", ""):
        return root_path, root_path + path
    if "asgi.scope" in environ:
        return root_path, path  # "*", or a target that the ASGI side has refused to take apart
    if take_environ_apart(environ):
        return root_path, root_path + _decoded(environ, "PATH_INFO")
    # Test clients, and servers whose SCRIPT_NAME is "/app/", omit the slash. Werkzeug adds it.
    return root_path, f"{root_path}/{path}"


def _raw_path(environ: WSGIEnvironment, root_path: str, path: str) -> bytes:
    """Return the path as it was sent (a ``%2F`` must stay), or else encode the decoded one."""
    uri = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
    target = _SCHEME_AND_HOST.sub("", _END_OF_PATH.split(uri, maxsplit=1)[0])
    sent = quote(target.encode("latin-1", "replace"), safe=_PATH_CHARACTERS + "%")
    for raw in (sent, quote(root_path, safe=_PATH_CHARACTERS) + sent):
        if unquote_to_bytes(raw).decode(errors="replace") == path:
            return raw.encode("ascii")
    return quote(path, safe=_PATH_CHARACTERS).encode("ascii")


def _header_pairs(
    environ: WSGIEnvironment, lines: Mapping[str, Sequence[str]]
) -> Iterator[tuple[bytes, bytes]]:
    for key, value in environ.items():
        if key[:5] == "HTTP_" and key not in _COPIES:
            name = key[5:]
        elif key in _HEADERS_WITHOUT_PREFIX and value:
            name = key
        else:
            continue
        encoded = name.replace("_", "-").lower().encode("latin-1")
        several = lines.get(key, ())
        if several and ", ".join(several) == value:  # else something has replaced the header since
            yield from ((encoded, line.encode("latin-1")) for line in several)
        else:
            yield encoded, _bytes(environ, key)


def _port(environ: WSGIEnvironment, key: str) -> int | None:
    try:
        return int(environ.get(key) or "")
    except ValueError:
        return None  # a Unix socket, or not known


def _decoded(environ: WSGIEnvironment, key: str) -> str:
    value: str = environ.get(key) or ""
    return value if value.isascii() else _bytes(environ, key).decode(errors="replace")


def _bytes(environ: WSGIEnvironment, key: str) -> bytes:
    try:
        return str(environ.get(key) or "").encode("latin-1")
    except UnicodeEncodeError as error:
        error.add_note(
            f"The environ's {key!r} has characters above U+00FF. WSGI's strings carry bytes"
            " (PEP 3333). Write `value.encode().decode('latin-1')`."
        )
        raise
