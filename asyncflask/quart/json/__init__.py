"""JSON with the current app's provider: the async API's functions, with Quart's parameters."""

from __future__ import annotations

from typing import IO, Any, cast

from ... import json as async_api
from ...json import load as load
from ..wrappers import Response
from . import provider as provider
from . import tag as tag


def dumps(object_: object, **kwargs: Any) -> str:
    """Return a value as JSON text.

    Args:
        object_: The value.
        kwargs: As for :func:`asyncflask.json.dumps`.

    Source: ``Quart: json.dumps``.
    """
    return async_api.dumps(object_, **kwargs)


def dump(object_: object, fp: IO[str], **kwargs: Any) -> None:
    """Write a value as JSON to a file.

    Args:
        object_: The value.
        fp: A file open for text.
        kwargs: As for :func:`asyncflask.json.dump`.

    Source: ``Quart: json.dump``.
    """
    async_api.dump(object_, fp, **kwargs)


def loads(object_: str | bytes, **kwargs: Any) -> Any:
    """Read a value from JSON text.

    Args:
        object_: The text.
        kwargs: As for :func:`asyncflask.json.loads`.

    Source: ``Quart: json.loads``.
    """
    return async_api.loads(object_, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Make a response of a value, as JSON.

    Args:
        args: The value, or several for a list.
        kwargs: Instead: the members of an object.

    Source: ``Quart: json.jsonify``.
    """
    return cast(Response, async_api.jsonify(*args, **kwargs))
