"""The WSGI environ of a request that came in over ASGI.

``def`` functions read their request from it, and WSGI applications that a view returns are called
with it. ``wsgi.input`` is made in :mod:`.input`, the way back in :mod:`.scope`.

Source: :pep:`3333`; ``ASGI: WSGI compatibility``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

from ..typing import Scope
from ..wrappers.http_connection import path_below_root
from ..wrappers.request.base import ConnectedContext, body_of
from ..wrappers.request.body import Body
from ..wrappers.request.sync import CONTEXT_KEY
from .input import sync_input

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Scope key: keys of the test client and of the debugger, which are copied into the environ.
EXTRA_KEYS = "asyncflask.environ"

_KEYS: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_KEYS_LIMIT = 1000  # Clients choose the names: the table must not grow with them.
_SINGLE = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_HOST"})


def make_environ(
    ctx: ConnectedContext,
    loop: asyncio.AbstractEventLoop | None,
    stream: IO[bytes] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> WSGIEnvironment:
    """Make the environ of a context's request.

    Args:
        ctx: The context that carries the request.
        loop: The loop that receives it; ``None`` where no loop is running.
        stream: For ``wsgi.input`` instead of the request's body.
        variables: From :func:`request_variables`, if the caller has them.

    Returns:
        The environ; with it, :class:`~asyncflask.wrappers.SyncRequest` finds the context.
    """
    environ = build_environ(ctx.scope, body_of(ctx), loop, stream, variables)
    environ[CONTEXT_KEY] = ctx
    return environ


def build_environ(
    scope: Scope,
    body: Body,
    loop: asyncio.AbstractEventLoop | None,
    stream: IO[bytes] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> WSGIEnvironment:
    """Make the environ of a scope's request.

    Args:
        scope: The ASGI scope.
        body: The request's body, for ``wsgi.input``.
        loop: The loop that receives it; ``None`` where no loop is running.
        stream: For ``wsgi.input`` instead of the body.
        variables: From :func:`request_variables`, if the caller has them.

    Returns:
        The environ, with the scope in ``asgi.scope``.
    """
    environ = request_variables(scope) if variables is None else dict(variables)
    environ["wsgi.version"] = (1, 0)
    environ["wsgi.input"] = sync_input(body, loop, scope) if stream is None else stream
    environ["wsgi.input_terminated"] = True
    environ["wsgi.errors"] = sys.stderr
    environ["wsgi.multithread"] = True
    environ["wsgi.multiprocess"] = False
    environ["wsgi.run_once"] = False
    environ["asgi.scope"] = scope
    return environ


def request_variables(scope: Scope) -> WSGIEnvironment:
    """Return the part of an environ that describes the request: CGI's variables and the scheme.

    Args:
        scope: The ASGI scope.
    """
    server = scope.get("server") or ("", None)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": _native(scope.get("root_path", "").rstrip("/")),
        "PATH_INFO": _native(path_below_root(scope)),
        "QUERY_STRING": (scope.get("query_string") or b"").decode("latin-1"),
        # PEP 3333 requires both; for Werkzeug an empty port is a Unix socket's, or not known.
        "SERVER_NAME": server[0],
        "SERVER_PORT": "" if server[1] is None else str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.url_scheme": scope.get("scheme", "http"),
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


def _add_headers(environ: WSGIEnvironment, headers: Iterable[tuple[bytes, bytes]]) -> None:
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
