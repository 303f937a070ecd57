"""A request target in absolute form, ``GET http://host/path``, as other servers hand it on.

The embedded server takes it apart itself; hypercorn and uvicorn put the whole URL into
``scope["path"]``, hypercorn's WSGI side into ``PATH_INFO``.

Source: :rfc:`9112` §3.2.2: a server accepts this form, and its host counts whatever ``Host`` says.
"""

from __future__ import annotations

import re
from typing import Any

from ..http_connection import is_host

_ABSOLUTE = re.compile(r"(?:https?|wss?)://([^/]*)", re.IGNORECASE | re.ASCII)


def split_target(target: str, raw: bytes | None = None) -> tuple[str, int] | None:
    """Find the host in a decoded target.

    SECURITY: the host was not decoded: ``http://a%2Fb/`` has none, it does not have the host ``a``.
    Neither has one with a user in front (``http://b@a/``). ``TRUSTED_HOSTS`` is checked where every
    other host is.

    Args:
        target: The target without its query.
        raw: The same before it was decoded, if the server tells.

    Returns:
        The host, and where the path begins; ``None`` if this is not a whole URL with a host.
    """
    match = _ABSOLUTE.match(target)
    if match is None or not is_host(match[1]):
        return None
    if raw is not None:
        undecoded = _ABSOLUTE.match(raw.decode("latin-1"))
        if undecoded is None or undecoded[0] != match[0]:
            return None
    return match[1], match.end()


def take_apart(scope: Any) -> bool:
    """Change, in place, an ASGI scope whose path is a whole URL: path and ``Host`` are that URL's.

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
    """Do what :func:`take_apart` does, for a WSGI environ."""
    path = environ.get("PATH_INFO", "")
    found = split_target(path)
    if found is None:
        return False
    environ["HTTP_HOST"], begin = found
    environ["PATH_INFO"] = path[begin:] or "/"
    return True
