"""The ``Set-Cookie`` header: a quick :func:`werkzeug.http.dump_cookie`."""

from __future__ import annotations

import functools
import re
import string
from typing import TypeAlias

from werkzeug.http import dump_cookie

#: ``path``, ``domain``, ``secure``, ``httponly``, ``samesite`` and ``partitioned``
CookieOptions: TypeAlias = tuple[str | None, str | None, bool, bool, str | None, bool]

# What Werkzeug writes unquoted: in a cookie's name, and in its value.
_PLAIN_NAME = re.compile(r"[\w.-]+", re.ASCII)
_PLAIN_IN_VALUE = f"{string.ascii_letters}{string.digits}_.~+/=-".encode()


def dump_plain_cookie(key: str, value: str, options: CookieOptions) -> str | None:
    """Write a cookie that ends with the browser's session.

    PERF: the text before and after the value repeats from response to response.

    Args:
        key: The cookie's name.
        value: Its value.
        options: Its attributes.

    Returns:
        The header; ``None`` where the name or the value has to be quoted.

    Raises:
        ValueError: ``samesite`` is not ``"Strict"``, ``"Lax"`` or ``"None"``.
    """
    if not isinstance(value, str) or value.encode("utf-8", "replace").translate(
        None, _PLAIN_IN_VALUE
    ):
        return None
    parts = _around_value(key, options)
    return None if parts is None else f"{parts[0]}{value}{parts[1]}"


@functools.lru_cache(maxsize=64)
def _around_value(key: str, options: CookieOptions) -> tuple[str, str] | None:
    """Return the header's text before and after the value, or ``None``."""
    if _PLAIN_NAME.fullmatch(key) is None:
        return None
    path, domain, secure, httponly, samesite, partitioned = options
    header = dump_cookie(
        key,
        path=path,
        domain=domain,
        secure=secure,
        httponly=httponly,
        samesite=samesite,
        partitioned=partitioned,
    )
    start = f"{key}="
    return (start, header.removeprefix(start)) if header.isprintable() else None
