"""JSON as the current app writes and reads it: ``flask.json``'s functions.

Each uses the app's provider (:mod:`asyncflask.json.provider`) where a context is active, and
:mod:`json` with the same extra types elsewhere.
"""

from __future__ import annotations

import json as _json
from typing import IO, TYPE_CHECKING, Any

from .._contextvars import current
from ..exceptions import OutOfContext
from .provider import default

if TYPE_CHECKING:
    from ..wrappers import Response


def dumps(obj: object, **kwargs: Any) -> str:
    """Return ``obj`` as JSON text.

    Args:
        obj: The value.
        kwargs: Passed to the provider, or to :func:`json.dumps`.

    Raises:
        TypeError: Something in ``obj`` has no JSON form.

    Source: ``Flask: json.dumps``.
    """
    ctx = current()
    if ctx is not None:
        text: str = ctx.app.json.dumps(obj, **kwargs)
        return text
    kwargs.setdefault("default", default)
    return _json.dumps(obj, **kwargs)


def dump(obj: object, fp: IO[str], **kwargs: Any) -> None:
    """Write ``obj`` as JSON to a file.

    Args:
        obj: The value.
        fp: A file open for text, in UTF-8.
        kwargs: Passed to the provider, or to :func:`json.dump`.

    Raises:
        TypeError: Something in ``obj`` has no JSON form.

    Source: ``Flask: json.dump``.
    """
    ctx = current()
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
        return
    kwargs.setdefault("default", default)
    _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return the value of JSON text.

    Args:
        s: Text, or bytes in UTF-8, UTF-16 or UTF-32.
        kwargs: Passed to the provider, or to :func:`json.loads`.

    Raises:
        ValueError: It is not JSON.

    Source: ``Flask: json.loads``.
    """
    ctx = current()
    if ctx is not None:
        return ctx.app.json.loads(s, **kwargs)
    return _json.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Return the value of the JSON in a file.

    Args:
        fp: A file open for text or bytes.
        kwargs: Passed to the provider, or to :func:`json.load`.

    Raises:
        ValueError: It is not JSON.

    Source: ``Flask: json.load``.
    """
    ctx = current()
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)
    return _json.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Make a JSON response of a value, of several values as a list, or of keywords as an object.

    A view may also return a ``dict`` or ``list`` directly; this is for setting a status or headers
    on the response, and for other values.

    Args:
        args: One value, or several that become a list; none becomes ``null``.
        kwargs: Instead of ``args``: the members of an object.

    Returns:
        A response of the app's ``response_class``.

    Raises:
        RuntimeError: No context is active.
        TypeError: Both ``args`` and ``kwargs`` are given, or something has no JSON form.

    Source: ``Flask: json.jsonify``.
    """
    ctx = current()
    if ctx is None:
        raise OutOfContext(
            "Working outside of application context: jsonify() was called where no app is active,"
            " so there is no response class to use.\n\n"
            "Call it in a view or hook, or inside `with app.app_context():`; for text alone use"
            " asyncflask.json.dumps(...)."
        )
    response: Response = ctx.app.json.response(*args, **kwargs)
    return response
