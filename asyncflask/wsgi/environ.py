"""The WSGI environ of a request that came in over ASGI.

The synchronous request of ``def`` functions stands on it, and WSGI applications that a view
returns get it. ``wsgi.input`` is :mod:`.input`'s.

Source: :pep:`3333`; ``ASGI: WSGI compatibility``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import IO, Any

from ..wrappers.http_connection import path_below_root
from ..wrappers.request.base import RequestContext, body_of
from ..wrappers.request.body import Body
from ..wrappers.request.sync import CONTEXT_KEY
from .input import sync_input

#: What a scope carries into the environ as it is: keys of the test client, and of the debugger.
EXTRA_KEYS = "asyncflask.environ"

_KEYS: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_KEYS_LIMIT = 1000  # Clients choose the names: the table must not grow with them.
_SINGLE = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_HOST"})


def make_environ(
    ctx: RequestContext, loop: asyncio.AbstractEventLoop | None, stream: IO[bytes] | None = None
) -> dict[str, Any]:
    """Make the environ of a context's request.

    Args:
        ctx: The context that carries the request.
        loop: The loop that receives it; ``None`` where no loop is running.
        stream: For ``wsgi.input`` instead of the request's body.

    Returns:
        The environ; with it, :class:`~asyncflask.wrappers.SyncRequest` finds the context.
    """
    environ = environ_of(ctx.scope, body_of(ctx), loop, stream)
    environ[CONTEXT_KEY] = ctx
    return environ


def environ_of(
    scope: Mapping[str, Any],
    body: Body,
    loop: asyncio.AbstractEventLoop | None,
    stream: IO[bytes] | None = None,
) -> dict[str, Any]:
    """Make the environ.

    Args:
        scope: The ASGI scope.
        body: The request's body, for ``wsgi.input``.
        loop: The loop that receives it; ``None`` where no loop is running.
        stream: For ``wsgi.input`` instead of the body.
    """
    server = scope.get("server") or ("", None)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": _native(scope.get("root_path", "").rstrip("/")),
        "PATH_INFO": _native(path_below_root(scope)),
        "QUERY_STRING": (scope.get("query_string") or b"").decode("latin-1"),
        # PEP 3333 wants both; Werkzeug takes an empty port for a unix socket or for unknown.
        "SERVER_NAME": server[0],
        "SERVER_PORT": "" if server[1] is None else str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": sync_input(body, loop, scope) if stream is None else stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "asgi.scope": scope,
    }
    if raw_path := scope.get("raw_path"):
        query = scope.get("query_string")
        uri = raw_path + b"?" + query if query else raw_path
        environ["REQUEST_URI"] = environ["RAW_URI"] = uri.decode("latin-1")
    if client := scope.get("client"):
        environ["REMOTE_ADDR"] = client[0]
        environ["REMOTE_PORT"] = str(client[1])
    _add_headers(environ, scope["headers"])
    return environ


def _add_headers(environ: dict[str, Any], headers: Any) -> None:
    for name, value in headers:
        key = _KEYS.get(name) or _key(name)
        if not key:
            continue
        text = value.decode("latin-1")
        if key not in environ:
            environ[key] = text
        elif key not in _SINGLE:
            # RFC 9110 §5.3; RFC 9113 §8.2.3 has another separator for cookies. The async API does
            # the same (`received.join_lines`).
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + text


def _key(name: bytes) -> str:
    if b"_" in name:
        # SECURITY: `X_Forwarded_For` would pass for `X-Forwarded-For`, which a proxy sets.
        return ""
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_KEYS) < _KEYS_LIMIT:
        _KEYS[bytes(name)] = key
    return key


def _native(text: str) -> str:
    """PEP 3333's "native string": the UTF-8 bytes, each as the character of its number."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
