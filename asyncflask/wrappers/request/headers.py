"""The headers that were received: Werkzeug's ``Headers`` over the pairs of bytes that ASGI has.

Several lines of one name are one list (:rfc:`9110` §5.3), as in a WSGI environ, so that no line is
overlooked: a proxy that adds its ``X-Forwarded-For`` as a line of its own is not hidden by the
client's. Most requests are asked for one header or two, so the pairs are decoded when more than
that is wanted. What may stand in a header that is *sent* is :mod:`..response.headers`' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequestKeyError

_make = object.__new__
_SEEN_NAMES: dict[bytes, str] = {}
_SEEN_NAMES_LIMIT = 1000  # Clients choose the names: the table must not grow with them.

#: Headers that are no lists: of several lines the first counts, as in a WSGI environ.
#: (A server refuses most of these requests, and `request.host` refuses a second `Host`.)
_SINGLE = frozenset({"content-type", "content-length", "host"})


class HeaderContext(Protocol):
    """Where the headers of a request are, and the index of them is kept."""

    header_names: Mapping[bytes, bytes] | None

    @property
    def scope(self) -> Any: ...


def header_index(ctx: HeaderContext) -> Mapping[bytes, bytes]:
    """Return the headers of a context's request by name; lines of one name are joined."""
    # PERF: a request that is served has a plain dictionary of them, which is right unless a name
    # is there twice.
    names = ctx.header_names
    if names.__class__ is HeaderIndex:
        return names
    headers = ctx.scope["headers"]
    if names is None or len(names) != len(headers):
        names = ctx.header_names = index_headers(headers)
    return names


class HeaderIndex(dict[bytes, bytes]):
    """Headers by name, in which lines of one name are joined."""


def index_headers(headers: Iterable[tuple[bytes, bytes]]) -> HeaderIndex:
    """Return headers by name; several lines of one name are joined.

    Args:
        headers: ASGI's pairs of bytes, whose names are in lower case.
    """
    pairs = list(headers)
    index = HeaderIndex(pairs)
    if len(index) == len(pairs):
        return index
    lines: dict[bytes, list[str]] = {}
    for name, value in pairs:
        lines.setdefault(name, []).append(value.decode("latin-1"))
    for name, values in lines.items():
        index[name] = join_lines(name.decode("latin-1"), values).encode("latin-1")
    return index


def join_lines(name: str, values: list[str]) -> str:
    """Return the value of a header that came in several lines.

    Args:
        name: The header's name, in any case.
        values: One value for each line.

    Source: :rfc:`9110` §5.3; :rfc:`9113` §8.2.3 (cookies); ``Werkzeug: make_environ``.
    """
    name = name.lower()
    if name in _SINGLE:
        return values[0]
    return ("; " if name == "cookie" else ",").join(values)


class RequestHeaders(WerkzeugHeaders):
    """Werkzeug's ``Headers`` that find a single header among ASGI's pairs of bytes.

    Several lines of one name are read as one value, with their values joined by a comma, by
    ``[...]``, ``get()`` and iteration, as in Flask. :meth:`getlist` has the lines as they came.

    Source: ``Werkzeug: werkzeug.datastructures.Headers``; ``Flask: Request.headers``.
    """

    #: The pairs, until they are decoded, and what :func:`index_headers` made of them.
    _raw: Iterable[tuple[bytes, bytes]] | None = None
    _index: Mapping[bytes, bytes] | None = None

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
        if isinstance(key, str):
            return super().__getitem__(key)
        found = self._joined()[key]
        return type(self)(found) if isinstance(key, slice) else found

    def _get_key(self, key: str) -> str:
        # PERF: 0.4 µs, and not 2 to decode all.
        raw, index = self._raw, self._index
        if raw is not None and index is not None and key.__class__ is str and key.isascii():
            value = index.get(key.lower().encode())
            if value is not None:
                return value.decode("latin-1")
            if all(map(bytes.islower, index)):  # As ASGI has it; so the name is not there.
                raise BadRequestKeyError(key)
        values = WerkzeugHeaders.getlist(self._lines(), key)
        if not values:
            raise BadRequestKeyError(key)
        return values[0] if len(values) == 1 else join_lines(key, values)

    def getlist(self, key: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        """Return the value of each line of a header, apart and in their order.

        Args:
            key: The header's name, in any case.
            type: Converts each value; what it refuses with a ``ValueError`` is left out.
        """
        lines = self._lines()
        return lines.getlist(key) if type is None else lines.getlist(key, type)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._joined())

    def __len__(self) -> int:
        return len(self._joined())

    def __eq__(self, other: object) -> bool:
        # Werkzeug compares instances of one and the same class only.
        if not isinstance(other, WerkzeugHeaders):
            return NotImplemented
        return {(k.lower(), v) for k, v in self} == {(k.lower(), v) for k, v in other}

    __hash__ = None

    def _lines(self) -> WerkzeugHeaders:
        """Return Werkzeug's own over the same list, which keeps the lines apart."""
        lines: WerkzeugHeaders = _make(WerkzeugHeaders)
        lines._list = self._list
        return lines

    def _joined(self) -> list[tuple[str, str]]:
        """Return each header once, where its first line stands."""
        by_name: dict[str, list[tuple[str, str]]] = {}
        for pair in self._list:
            by_name.setdefault(pair[0].lower(), []).append(pair)
        if len(by_name) == len(self._list):
            return self._list
        return [
            (pairs[0][0], join_lines(name, [value for _, value in pairs]))
            for name, pairs in by_name.items()
        ]


def decode_headers(raw: Iterable[tuple[bytes, bytes]]) -> WerkzeugHeaders:
    """Make Werkzeug's ``Headers`` from ASGI's pairs of bytes, such as those of a response."""
    headers: WerkzeugHeaders = _make(WerkzeugHeaders)
    headers._list = _decode(raw)
    return headers


def decode_request_headers(
    raw: Iterable[tuple[bytes, bytes]], index: Mapping[bytes, bytes] | None = None
) -> RequestHeaders:
    """Make the headers of a request from ASGI's pairs of bytes.

    Args:
        raw: The pairs; they are decoded when more than single headers is wanted.
        index: What :func:`index_headers` made of them, if it is there already.
    """
    # PERF: the constructor validates values that the server has validated already.
    headers: RequestHeaders = _make(RequestHeaders)
    headers._raw = pairs = raw if isinstance(raw, list) else list(raw)
    headers._index = index_headers(pairs) if index is None else index
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
