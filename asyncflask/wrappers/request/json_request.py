"""The part of the asynchronous request that reads JSON: ``await request.get_json()``."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from .awaitable import Pending, PendingCall, Read
from .base import JSONModule, refuse_json
from .body import Body
from .body_request import BodyRequest
from .headers import header_index

_JSON = b"application/json"


class JSONRequest(BodyRequest):
    """A request whose body can be read as JSON."""

    @property
    def is_json(self) -> bool:
        """Whether the media type is ``application/json`` or ``application/…+json``."""
        # PERF: most JSON has exactly this type; parsing it takes 3 % of a request with 1 KB.
        names = self._ctx.header_names or header_index(self._ctx)
        content_type = names.get(b"content-type")
        if content_type == _JSON and self._has_own_content_type:
            return True
        return super().is_json

    @property
    def json_module(self) -> JSONModule:
        """The app's JSON provider."""
        return self._ctx.app.json

    @property
    def json(self) -> Pending[Any]:
        """The body parsed as JSON, awaited: :meth:`get_json` with its defaults."""
        return Pending("request.json", _read_json, self, (False, False, True))

    def get_json(
        self, force: bool = False, silent: bool = False, cache: bool = True
    ) -> Coroutine[Any, Any, Any]:
        """Parse the body as JSON: ``await request.get_json()``.

        Args:
            force: Parse it whatever its media type. SECURITY: a form of another site can send
                ``text/plain``, but not ``application/json`` (CVE-2021-32677).
            silent: Return ``None`` instead of raising an error.
            cache: Keep the result for later calls.

        Returns:
            The data, to be awaited.

        Raises:
            UnsupportedMediaType: The media type is not JSON (415).
            BadRequest: The body is not JSON (400).
            HTTPException: The body could not be read, as for :meth:`get_data`.

        Source: ``Flask: Request.get_json``.
        """
        return PendingCall("request.get_json()", _read_json, self, (force, silent, cache))

    def on_json_loading_failed(
        self, e: Any
    ) -> Any:  # an override may take any Exception, as Quart's
        """Raise the error of :meth:`get_json`; override it to return a value instead.

        Args:
            e: The parser's error; ``None`` if the media type was not JSON.

        Returns:
            Nothing here; the value of an override becomes the result of :meth:`get_json`.

        Raises:
            UnsupportedMediaType: The media type was not JSON (415).
            BadRequest: The body was not JSON (400); in debug mode it says where.

        Source: ``Flask: Request.on_json_loading_failed``.
        """
        refuse_json(e, self.content_type, self._ctx.app.debug)


# -- reading, when it is awaited -------------------------------------------------------------------


def _read_json(request: JSONRequest, options: tuple[bool, bool, bool]) -> Read[Any]:
    force, silent, cache = options
    body = request.body
    if cache and body.json[silent] is not ...:
        return (body.json[silent],)
    if not (force or request.is_json):
        return (None if silent else request.on_json_loading_failed(None),)
    data = body.cached
    if data is None:
        # Most bodies have come already, and need no coroutine.
        data = None if body.claimed else body.read_at_once()
        if data is None:
            return _await_json(request, body, silent, cache)
        if cache:
            body.cached = data
    return (_parse_json(request, body, data, silent, cache),)


async def _await_json(request: JSONRequest, body: Body, silent: bool, cache: bool) -> Any:
    return _parse_json(request, body, await body.read_all(cache), silent, cache)


def _parse_json(request: JSONRequest, body: Body, data: bytes, silent: bool, cache: bool) -> Any:
    try:
        value = request.json_module.loads(data)
    except (ValueError, RecursionError) as error:
        # RecursionError: thousands of brackets are bad input, not an error of the server.
        value = None if silent else request.on_json_loading_failed(ValueError(str(error)))
        if cache:
            body.json = (body.json[0], None) if silent else (value, body.json[1])
    else:
        if cache:
            body.json = (value, value)
    return value
