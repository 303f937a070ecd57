"""The headers that were received: Werkzeug's ``Headers`` over the pairs of bytes that ASGI has.

Most requests are asked for one header or two, so the pairs are decoded when somebody wants more
than that. What may stand in a header that is *sent* is :mod:`.headers`' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequestKeyError

_make = object.__new__
_SEEN_NAMES: dict[bytes, str] = {}
_SEEN_NAMES_LIMIT = 1000  # Clients choose the names: the table must not grow with them.


class Headers(WerkzeugHeaders):
    """Werkzeug's ``Headers`` that find a single header among ASGI's pairs of bytes.

    Source: ``Werkzeug: werkzeug.datastructures.Headers``.
    """

    #: The pairs, until they are decoded.
    _raw: Iterable[tuple[bytes, bytes]] | None = None

    def __getattr__(self, name: str) -> Any:
        # Called for what is not there. Werkzeug's methods work on `_list`, all but `_get_key`.
        if name == "_list":
            raw = self._raw
            if raw is not None:
                self._list = _decode(raw)
                self._raw = None
            if "_list" in self.__dict__:  # Another thread may have been quicker.
                return self._list
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is str:
            return self._get_key(key)  # PERF: at once; it is what Werkzeug's does.
        return super().__getitem__(key)

    def _get_key(self, key: str) -> str:
        # PERF: 0.4 µs, and not 2 to decode all.
        raw = self._raw
        if raw is None or key.__class__ is not str or not key.isascii():
            return super()._get_key(key)
        wanted = key.lower().encode()
        size = len(wanted)
        for name, value in raw:
            if len(name) == size and (name == wanted or name.lower() == wanted):
                return value.decode("latin-1")
        raise BadRequestKeyError(key)

    def __eq__(self, other: object) -> bool:
        # Werkzeug compares instances of one and the same class only.
        if not isinstance(other, WerkzeugHeaders):
            return NotImplemented
        return {(k.lower(), v) for k, v in self} == {(k.lower(), v) for k, v in other}

    __hash__ = None


def decode_headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Make Werkzeug's ``Headers`` from ASGI's pairs of bytes.

    Args:
        raw: The pairs; they are decoded when somebody looks at them.
    """
    # PERF: the constructor validates values that the server has validated already.
    headers: Headers = _make(Headers)
    headers._raw = raw
    return headers


def _decode(raw: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [
        (_SEEN_NAMES.get(name) or _shown_name(name), value.decode("latin-1")) for name, value in raw
    ]


def _shown_name(name: bytes) -> str:
    shown = name.decode("latin-1").title()
    if len(_SEEN_NAMES) < _SEEN_NAMES_LIMIT:
        _SEEN_NAMES[bytes(name)] = shown
    return shown
