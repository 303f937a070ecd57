"""Query strings and urlencoded forms, such as ``a=1&b=2``: a quick :func:`urllib.parse.parse_qsl`.

PERF: 4 µs for ten fields with an escape each, against 19 with ``parse_qsl()`` and ``MultiDict()``.
"""

from __future__ import annotations

# While escapes are decoded, other characters replace `&` and `=`, which may occur in values then.
_AND, _EQUALS = "\x1e", "\x1f"
_REPLACED = bytes.maketrans(b"+&=", f" {_AND}{_EQUALS}".encode())
_DIGITS = "0123456789abcdefABCDEF"
#: the byte of each escape, by its digits
_UNESCAPED = {f"{a}{b}".encode(): bytes([int(a + b, 16)]) for a in _DIGITS for b in _DIGITS}
for _character in (_AND, _EQUALS):
    for _digits in (f"{ord(_character):02x}", f"{ord(_character):02X}"):
        del _UNESCAPED[_digits.encode()]


def parse_fields(data: bytes) -> dict[str, list[str]] | None:
    """Parse the fields of a query string or form.

    Args:
        data: The text, as it was sent.

    Returns:
        The values by name, both in the order of ``parse_qsl(data, keep_blank_values=True)``;
        ``None`` for bytes that are not UTF-8, and for unusual escapes.
    """
    equals = "="
    try:
        if b"%" not in data:
            fields = data.replace(b"+", b" ").decode().split("&")
        else:
            fields, equals = _unescape(data), _EQUALS
    except (KeyError, UnicodeDecodeError):
        return None
    values: dict[str, list[str]] = {}
    for field in fields:
        if field:
            name, _, value = field.partition(equals)
            if equals in value:
                value = value.replace(equals, "=")
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]
    return values


def _unescape(data: bytes) -> list[str]:
    """Split and unescape; unusual data raise a ``KeyError`` or a ``UnicodeDecodeError``."""
    if not data.isascii() or b"\x1e" in data or b"\x1f" in data:
        raise KeyError
    start, *escaped = data.translate(_REPLACED).split(b"%")
    rest = b"".join([_UNESCAPED[part[:2]] + part[2:] for part in escaped])
    return (start + rest).decode().split(_AND)
