"""A request target in absolute form, ``GET http://host/path``, as other servers pass it.

The embedded server splits it itself; hypercorn and uvicorn put the whole URL into
``scope["path"]``, hypercorn's WSGI side into ``PATH_INFO``.

Source: :rfc:`9112` §3.2.2: a server accepts this form, and its host overrides the ``Host`` header.
"""

from __future__ import annotations

import re
from typing import Any

from ...typing import Scope
from ..http_connection import is_host

_ABSOLUTE = re.compile(r"(?:https?|wss?)://([^/]*)", re.IGNORECASE | re.ASCII)


def split_target(target: str, raw: bytes | None = None) -> tuple[str, int] | None:
    """Find the host in a decoded target.

    SECURITY: the host is read before decoding: ``http://a%2Fb/`` has no host, and not the host
    ``a``. A URL with a user (``http://b@a/``) has none either. ``TRUSTED_HOSTS`` is checked as for
    every other host.

    Args:
        target: The target without its query.
        raw: The same before it was decoded, if the server passes it.

    Returns:
        The host, and the index of the path; ``None`` if this is not a whole URL with a host.
    """
    match = _ABSOLUTE.match(target)
    if match is None or not is_host(match[1]):
        return None
    if raw is not None:
        undecoded = _ABSOLUTE.match(raw.decode("latin-1"))
        if undecoded is None or undecoded[0] != match[0]:
            return None
    return match[1], match.end()


def take_apart(scope: Scope) -> bool:
    """Change, in place, an ASGI scope whose path is a whole URL: set that URL's path and ``Host``.

    Args:
        scope: The scope of a request or websocket.

    Returns:
        Whether it was one.
    """
    raw = scope.get("raw_path")
    found = split_target(scope["path"], raw)
    if found is None:
        return False
    host, begin = found
    scope["path"] = scope["path"][begin:] or "/"
    if raw is not None:
        scope["raw_path"] = raw[begin:] or b"/"
    others = [pair for pair in scope["headers"] if pair[0] != b"host"]
    scope["headers"] = [*others, (b"host", host.encode())]
    return True


def take_environ_apart(environ: dict[str, Any]) -> bool:
    """Change, in place, a WSGI environ as :func:`take_apart` changes a scope.

    Args:
        environ: The environ of a request.

    Returns:
        Whether its path was a whole URL.
    """
    path = environ.get("PATH_INFO", "")
    found = split_target(path)
    if found is None:
        return False
    environ["HTTP_HOST"], begin = found
    environ["PATH_INFO"] = path[begin:] or "/"
    return True
