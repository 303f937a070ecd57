"""Response headers: checked when they are set, and again when they are sent.

This file defines which characters a header may have, and encodes it as bytes for ASGI. All headers
pass :func:`encode_headers`, because ``Headers._list`` can be changed without :meth:`Headers.set`.
Werkzeug reads and writes the values of single headers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Self, SupportsIndex, TypeVar, cast

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.http import dump_options_header
from werkzeug.urls import iri_to_uri

K = TypeVar("K")
V = TypeVar("V")
Pair = tuple[str, str]
WirePair = tuple[bytes, bytes]

# RFC 9110 §5.5: field-value is visible characters, obs-text, space and tab.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# RFC 9110 §5.1: field-name is a token.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def check_name(name: str) -> str:
    """Return ``name`` if it is a token (:rfc:`9110` §5.1).

    SECURITY: a name with a colon or a line break starts a header that an attacker chooses
    (CVE-2023-49081, and similar ones in other servers).

    Args:
        name: The name.

    Returns:
        The name.

    Raises:
        ValueError: It is not.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            f"{name!r} is no header name: it has characters other than letters, digits and"
            " !#$%&'*+-.^_`|~. Write a name like 'X-Request-Id', and put data of the client"
            " into the value."
        )
    return name


def check_value(name: str, value: object) -> str:
    """Return ``value`` as a string if no character in it can end the header (:rfc:`9110` §5.5).

    Args:
        name: The header's name, for the error.
        value: The value.

    Returns:
        The value.

    Raises:
        ValueError: It contains a control character other than the tab.
        TypeError: It has to be awaited.
    """
    text = value if isinstance(value, str) else _value_text(value, name)
    # A printable text has no controls; the test takes a quarter of the search's time.
    if text.isprintable():
        return text
    if _CONTROL.search(text) is not None:
        raise ValueError(
            f"Header values must not contain newline characters or other controls, but {name!r} was"
            f" given {text[:200]!r}. Strip or percent-encode data of the client:"
            " urllib.parse.quote(value)."
        )
    return text


def _value_text(value: object, name: str) -> str:
    """Convert a value to text; refuse a coroutine, whose value is not known."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # Otherwise Python warns that it was never awaited.
        raise TypeError(
            f"The header {name!r} was given {value!r}, which has to be awaited. Write"
            f" `{{{name!r}: await ...}}`."
        )
    return str(value)


class Headers(WerkzeugHeaders):
    """Werkzeug's ``Headers``, refusing all control characters instead of CR and LF alone.

    Source: ``Werkzeug: werkzeug.datastructures.Headers``.
    """

    @classmethod
    def of_checked(cls, pairs: list[Pair]) -> Self:
        """Make headers of names and values that are known to be well-formed.

        Args:
            pairs: The names and values; the list is kept.

        Returns:
            The headers.
        """
        headers = cls.__new__(cls)
        headers._list = pairs
        return headers

    def add(self, key: str, value: object, /, **kwargs: Any) -> None:
        """Add a header, and keep those of the same name.

        Args:
            key: The name.
            value: The value.
            kwargs: Parameters of the value, as in Werkzeug.

        Raises:
            ValueError: Name or value is malformed.
        """
        if key not in _names:
            _encode_name(key)
        self._list.append(
            (key, check_value(key, _with_options(value, kwargs) if kwargs else value))
        )

    def add_checked(self, name: str, value: str) -> None:
        """Add a header that is known to be well-formed, and keep those of the same name.

        Args:
            name: The name.
            value: The value.
        """
        self._list.append((name, value))

    def set(self, key: str, value: object, /, **kwargs: Any) -> None:
        """Set a header, and replace those of the same name.

        Args:
            key: The name.
            value: The value.
            kwargs: Parameters of the value, as in Werkzeug.

        Raises:
            ValueError: Name or value is malformed.
        """
        self[key] = _with_options(value, kwargs) if kwargs else value

    def __setitem__(self, key: str | SupportsIndex | slice, value: object) -> None:
        if isinstance(key, str):
            lower = (_names.get(key) or _encode_name(key))[0]
            value = check_value(key, value)
            # Werkzeug does the same with three generators.
            pairs, size = self._list, len(lower)
            for name, _ in pairs:
                if len(name) == size and name.lower() == lower:  # Most names differ in length.
                    self._replace(lower, (key, value))
                    return
            pairs.append((key, value))
        elif isinstance(key, SupportsIndex):
            super().__setitem__(key.__index__(), check_pair(cast("Pair", value)))
        else:
            given = cast("Iterable[Pair]", value)
            super().__setitem__(key, [check_pair(pair) for pair in given])

    # Werkzeug raises and catches an error for each name that is missing.
    def __contains__(self, key: str) -> bool:
        lower, size = key.lower(), len(key)
        for name, _ in self._list:
            if len(name) != size:  # Most names differ in length.
                continue
            if name.lower() == lower:
                return True
        return False

    def _replace(self, lower: str, pair: Pair) -> None:
        """Replace the first header of the name by ``pair``, and remove the other ones."""
        pairs = self._list
        names = [name.lower() for name, _ in pairs]
        first = names.index(lower)
        pairs[first] = pair
        if names.count(lower) > 1:
            pairs[first + 1 :] = [
                other for other in pairs[first + 1 :] if other[0].lower() != lower
            ]

    def __eq__(self, other: object) -> bool:
        # Werkzeug compares instances of one and the same class only.
        if not isinstance(other, WerkzeugHeaders):
            return NotImplemented
        return {(k.lower(), v) for k, v in self} == {(k.lower(), v) for k, v in other}

    __hash__ = None


def add_checked(headers: WerkzeugHeaders, name: str, value: str) -> None:
    """Add a header that is known to be well-formed to headers of any class.

    Args:
        headers: The headers.
        name: The name.
        value: The value.
    """
    if type(headers) is Headers:  # A subclass may have its own add().
        headers.add_checked(name, value)
    else:
        headers.add(name, value)


def _with_options(value: object, options: dict[str, Any]) -> object:
    if not options:
        return value
    return dump_options_header(
        cast("str", value), {k.replace("_", "-"): v for k, v in options.items()}
    )


def check_pair(pair: tuple[str, object]) -> tuple[str, str]:
    """Return a header's name and value, checked.

    Args:
        pair: Name and value.

    Returns:
        Both, as text.

    Raises:
        ValueError: One of them is malformed.
    """
    return check_name(pair[0]), check_value(pair[0], pair[1])


# -- to bytes --------------------------------------------------------------------------------------

# Names whose values repeat from response to response and are not secret: such pairs are cached,
# checked and encoded.
_REPEATING = frozenset({"content-type", "content-length", "cache-control", "vary", "allow"})
# Headers that carry a URL may hold one with characters beyond ASCII.
_CONVERT: dict[str, Callable[[str], str]] = {
    "location": iri_to_uri,
    "content-location": iri_to_uri,
}
_KEPT = 1024
_pairs: dict[Pair, WirePair] = {}
_types: dict[str, WirePair] = {}
#: by name: in lower case, as bytes, and whether its values need no conversion and are not kept
_names: dict[str, tuple[str, bytes, bool]] = {}


def encode_headers(pairs: Iterable[Pair]) -> list[WirePair]:
    """Check headers and encode them for ASGI: names in lower case, latin-1.

    Args:
        pairs: Names and values as they are kept in a ``Headers``.

    Returns:
        The names and values as bytes.

    Raises:
        ValueError: A name or value is malformed or has characters beyond latin-1.
    """
    encoded = []
    for pair in pairs:
        name, value = pair
        try:
            _, wire_name, is_plain = _names[name]
        except KeyError:
            if isinstance(pair, str):
                raise ValueError(f"{pair!r} is the name of a header without its value.") from None
            _, wire_name, is_plain = _encode_name(name)
        # PERF: printable ASCII needs no further checks: 7 % of a request whose hooks set three
        # headers.
        if is_plain and type(value) is str and value.isascii() and value.isprintable():
            encoded.append((wire_name, value.encode()))
        else:
            encoded.append(_pairs.get(pair) or _encode(pair))
    return encoded


def content_type_pair(content_type: str) -> WirePair:
    """Check and encode a Content-Type header; the result is kept.

    Args:
        content_type: The value.

    Returns:
        Name and value.
    """
    try:
        return _types[content_type]
    except KeyError:
        pair = _encode(("Content-Type", content_type))
        _cache(_types, content_type, pair)
        return pair


def _encode(pair: Pair) -> WirePair:
    name, value = pair
    lower, wire_name, _ = _names.get(name) or _encode_name(name)
    if lower in _CONVERT:
        value = _CONVERT[lower](value)
    value = check_value(name, value)
    try:
        encoded = wire_name, value.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(
            f"Header {name!r} has the value {value[:200]!r}, with characters that latin-1, the"
            " encoding of headers, does not have. Encode it: urllib.parse.quote(value)."
        ) from None
    if lower in _REPEATING and len(value) < 100:
        _cache(_pairs, pair, encoded)
    return encoded


def _encode_name(name: str) -> tuple[str, bytes, bool]:
    lower = check_name(name).lower()
    is_plain = lower not in _CONVERT and lower not in _REPEATING
    encoded = lower, lower.encode("ascii"), is_plain
    if len(name) > 1:  # The key "TE" of a plain dict looks like a pair ("T", "E").
        _cache(_names, name, encoded)
    return encoded


def _cache(cache: dict[K, V], key: K, value: V) -> None:
    if len(cache) >= _KEPT:
        cache.clear()
    cache[key] = value
