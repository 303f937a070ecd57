"""The headers that were received: Werkzeug's ``Headers`` over the pairs of bytes that ASGI has.

Several lines of one name are one list (:rfc:`9110` §5.3), as in a WSGI environ, so that no line is
overlooked: a proxy that adds its ``X-Forwarded-For`` as a line of its own is not hidden by the
client's. Most requests are asked for one header or two, so the pairs are decoded when more than
that is wanted. :mod:`..response.headers` has the rules for headers that are *sent*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, Self, TypeAlias

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequestKeyError

_SEEN_NAMES: dict[bytes, str] = {}
_SEEN_NAMES_LIMIT = 1000  # SECURITY: clients choose the names, which must not fill the memory.

#: Headers that are no lists: the first of several lines counts, as in a WSGI environ.
#: (A server refuses most of these requests, and `request.host` refuses a second `Host`.)
_SINGLE = frozenset({"content-type", "content-length", "host"})


#: headers by name, in lower case; the lines of one name are joined
HeaderIndex: TypeAlias = Mapping[bytes, bytes]


class HeaderContext(Protocol):
    """The context of a request, which has its headers and keeps their index."""

    header_names: HeaderIndex | None

    @property
    def scope(self) -> Any: ...


def header_index(ctx: HeaderContext) -> HeaderIndex:
    """Return the headers of a context's request by name; the index is made once.

    Args:
        ctx: The context of a request or websocket.

    Returns:
        The values by name, in lower case; the lines of one name are joined.
    """
    index = ctx.header_names
    if index is None:
        index = ctx.header_names = index_headers(ctx.scope["headers"])
    return index


def index_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name; several lines of one name are joined.

    Args:
        headers: ASGI's pairs of bytes, whose names are in lower case.

    Returns:
        The values by name.
    """
    pairs = headers if isinstance(headers, list) else list(headers)
    index = dict(pairs)
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

    Returns:
        The joined value; of a header that may not be repeated, the first one.

    Source: :rfc:`9110` §5.3; :rfc:`9113` §8.2.3 (cookies); ``Werkzeug: make_environ``.
    """
    name = name.lower()
    if name in _SINGLE:
        return values[0]
    return ("; " if name == "cookie" else ",").join(values)


class RequestHeaders(WerkzeugHeaders):
    """Werkzeug's ``Headers``, which decode ASGI's pairs of bytes when they are needed.

    Several lines of one name are read as one value, with their values joined by a comma, by
    ``[...]``, ``get()`` and iteration, as in Flask. :meth:`getlist` has the lines as they came.

    Source: ``Werkzeug: werkzeug.datastructures.Headers``; ``Flask: Request.headers``.
    """

    #: ASGI's pairs of bytes, until they are decoded
    undecoded: Iterable[tuple[bytes, bytes]] | None = None
    #: their index
    by_name: HeaderIndex | None = None

    @classmethod
    def of_scope(cls, raw: list[tuple[bytes, bytes]], index: HeaderIndex) -> Self:
        """Make the headers of a request.

        Args:
            raw: ASGI's pairs of bytes, which the server has validated.
            index: The result of :func:`index_headers` for them.

        Returns:
            The headers.
        """
        headers = cls.__new__(cls)
        headers.undecoded, headers.by_name = raw, index
        return headers

    def __getattr__(self, name: str) -> Any:
        # Werkzeug's methods read `_list`, except `_get_key`; Python calls this if it is missing.
        if name == "_list":
            raw = self.undecoded
            if raw is not None:
                self._list = _decode(raw)
                self.undecoded = None
            if "_list" in self.__dict__:  # Another thread may have been quicker.
                return self._list
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._get_key(key)
        found = self._joined()[key]
        return type(self)(found) if isinstance(key, slice) else found

    def _get_key(self, key: str) -> str:
        # PERF: one header is found without decoding all of them, which takes a fifth of a request
        # that reads one.
        raw, index = self.undecoded, self.by_name
        if raw is not None and index is not None and key.isascii():
            value = index.get(key.lower().encode())
            if value is not None:
                return value.decode("latin-1")
            if all(map(bytes.islower, index)):  # As ASGI has it; so the name is not there.
                raise BadRequestKeyError(key)
        values = self._lines().getlist(key)
        if not values:
            raise BadRequestKeyError(key)
        return values[0] if len(values) == 1 else join_lines(key, values)

    def getlist(self, key: str, type: Callable[[str], Any] | None = None) -> list[Any]:
        """Return the values of a header's lines, separately and in their order.

        Args:
            key: The header's name, in any case.
            type: Converts each value; values that it refuses with a ``ValueError`` are left out.

        Returns:
            The values.
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
        """Return Werkzeug's headers over the same list, which keep the lines apart."""
        return _of_pairs(self._list)

    def _joined(self) -> list[tuple[str, str]]:
        """Return each header once, at the place of its first line."""
        by_name: dict[str, list[tuple[str, str]]] = {}
        for pair in self._list:
            by_name.setdefault(pair[0].lower(), []).append(pair)
        if len(by_name) == len(self._list):
            return self._list
        return [
            (pairs[0][0], join_lines(name, [value for _, value in pairs]))
            for name, pairs in by_name.items()
        ]


def _of_pairs(pairs: list[tuple[str, str]]) -> WerkzeugHeaders:
    headers = WerkzeugHeaders()
    headers._list = pairs
    return headers


def decode_headers(raw: Iterable[tuple[bytes, bytes]]) -> WerkzeugHeaders:
    """Make Werkzeug's ``Headers`` from ASGI's pairs of bytes, such as those of a response.

    Args:
        raw: The pairs.

    Returns:
        The headers, with names such as ``Content-Type``.
    """
    return _of_pairs(_decode(raw))


def _decode(raw: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [
        (_SEEN_NAMES.get(name) or _title_name(name), value.decode("latin-1")) for name, value in raw
    ]


def _title_name(name: bytes) -> str:
    title = name.decode("latin-1").title()
    if len(_SEEN_NAMES) < _SEEN_NAMES_LIMIT:
        _SEEN_NAMES[bytes(name)] = title
    return title
