"""Query strings and urlencoded forms: from bytes to a ``MultiDict``.

The callers check the limits, and decide what happens to malformed bytes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import werkzeug.urls  # noqa: F401  # it registers the error handler `werkzeug.url_quote`
from werkzeug.datastructures import MultiDict

from ..._fast.multidict import make_multidict
from ..._fast.urlencoded import parse_fields


def parse_urlencoded(
    data: bytes, make: type[MultiDict[str, Any]], errors: str = "strict"
) -> MultiDict[str, Any]:
    """Parse fields. A percent sign that begins no escape stays, and so do bytes that are no UTF-8.

    Args:
        data: The text, as it was sent.
        make: The class of the result.
        errors: For :meth:`bytes.decode`: what to do with bytes that are neither escaped nor UTF-8.

    Returns:
        The values by name.

    Raises:
        UnicodeDecodeError: There are such bytes, and ``errors`` is ``"strict"``.
    """
    values = parse_fields(data)
    if values is not None:
        made = make_multidict(values, make)
        if made is not None:
            return made
    text = data.decode("utf-8", errors)
    # SECURITY: CVE-2026-53539: only `&` separates.
    return make(parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote", separator="&"))
