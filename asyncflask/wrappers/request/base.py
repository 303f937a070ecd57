"""The common part of the asynchronous and the synchronous request: body, limits, refusals."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, overload

from werkzeug.datastructures import FileStorage as SyncFileStorage
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.sansio.utils import get_content_length

from ...typing import Receive, Scope, Send
from ..http_connection import ConnectionApp, RoutedContext
from .body import Body
from .headers import header_index


class ConnectedContext(RoutedContext, Protocol):
    """The context of a request, which has its messages and its body."""

    made_body: Body | None

    @property
    def app(self) -> Any: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def receive(self) -> Receive: ...
    @property
    def send(self) -> Send: ...


class JSONModule(Protocol):
    """A JSON provider, or the standard library's :mod:`json`."""

    def dumps(self, obj: object, /, **kwargs: Any) -> str: ...
    def loads(self, s: str | bytes, /, **kwargs: Any) -> Any: ...


class RequestApp(ConnectionApp, Protocol):
    """The app of a request."""

    @property
    def debug(self) -> bool: ...
    @property
    def logger(self) -> logging.Logger: ...
    @property
    def json(self) -> JSONModule: ...


class ReadingContext(ConnectedContext, Protocol):
    """The context of a request that reads forms and JSON as its app wants them."""

    @property
    def app(self) -> RequestApp: ...


def body_of(ctx: ConnectedContext) -> Body:
    """Return the body of a context's request; it is made at the first call.

    Args:
        ctx: The context of the request.

    Returns:
        The body, which the asynchronous and the synchronous request share.
    """
    body = ctx.made_body
    return make_body(ctx) if body is None else body


def make_body(ctx: ConnectedContext) -> Body:
    """Make the body that :func:`body_of` returns from now on.

    Args:
        ctx: The context of the request.

    Returns:
        The body.
    """
    setting = ctx.app.config.get
    names = ctx.header_names or header_index(ctx)
    length = names.get(b"content-length")
    body = Body(
        ctx.receive,
        None if length is None else _announced(length, names.get(b"transfer-encoding")),
        setting("MAX_CONTENT_LENGTH"),
        setting("BODY_TIMEOUT"),
        setting("BODY_IDLE_TIMEOUT", 60),
    )
    ctx.made_body = body
    return body


def _announced(length: bytes, coding: bytes | None) -> int | None:
    # Werkzeug's parser is needed for anything but a plain number.
    if coding is None and length.isdigit() and len(length) < 16:
        return int(length)
    return get_content_length(
        length.decode("latin-1"), None if coding is None else coding.decode("latin-1")
    )


class Limit(property):
    """A limit on the request's body: from the configuration, unless it is set on the request."""

    def __init__(self, key: str, default: int | None) -> None:
        super().__init__(self._read, self._write)
        self._key = key
        self._default = default  # Werkzeug's, for a request outside of every app.

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self.__doc__ = f"``{self._key}``, unless it is set here for this request."

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # as to its own class
        def __get__(self, instance: None, owner: type) -> Limit: ...
        @overload
        def __get__(self, instance: object, owner: type) -> int | None: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...

    def _read(self, instance: Any) -> int | None:
        body = instance._ctx.made_body
        if body is not None and body.own_limits and self._name in body.own_limits:
            return int(body.own_limits[self._name])
        app = instance._ctx.app
        if app is None:
            return self._default
        limit: int | None = app.config.get(self._key)
        return limit

    def _write(self, instance: Any, value: int | None) -> None:
        body = instance._shared_body()
        if body.own_limits is None:
            body.own_limits = {}
        body.own_limits.pop(self._name, None)
        if value is not None:
            body.own_limits[self._name] = value
        body.max_content_length = instance.max_content_length


def refuse_json(error: ValueError | None, content_type: str | None, debug: bool) -> NoReturn:
    """Raise the error of a body that is not JSON.

    Args:
        error: The parser's error; ``None`` if the media type was not JSON.
        content_type: The ``Content-Type`` header.
        debug: Whether the response says where the error is.

    Raises:
        UnsupportedMediaType: The media type was not JSON (415).
        BadRequest: The body was not JSON (400).
    """
    if error is None:
        raise UnsupportedMediaType(
            f"The body was not read as JSON, because its Content-Type is {content_type!r}."
            " Send it as 'application/json'."
        )
    if debug:
        raise BadRequest(f"Failed to decode JSON object: {error}")
    raise BadRequest


def of_class(
    storage: type[SyncFileStorage], files: MultiDict[str, Any], body: Body
) -> MultiDict[str, Any]:
    """Return the same uploads as objects of another class, always the same ones.

    An upload and the object of the other class have their attributes in common: the name, the
    stream, and what users set on either.

    Args:
        storage: The asynchronous or Werkzeug's ``FileStorage``.
        files: The uploads.
        body: The body that they came with.

    Returns:
        The uploads.
    """
    if all(type(file) is storage for file in files.values()):
        return files
    made = body.other_files
    if made is None or made[0] is not files or made[1] is not storage:
        others = type(files)(
            (name, _other_form(storage, file)) for name, file in files.items(multi=True)
        )
        made = body.other_files = files, storage, others
    return made[2]


def _other_form(storage: type[SyncFileStorage], file: SyncFileStorage) -> SyncFileStorage:
    other = storage(file.stream, file.filename, file.name, headers=file.headers)
    attributes = vars(file)
    for name, value in vars(other).items():
        attributes.setdefault(name, value)  # of a class that sets further ones
    other.__dict__ = attributes
    return other
