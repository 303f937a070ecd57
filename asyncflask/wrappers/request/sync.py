"""The synchronous request of ``def`` functions: Werkzeug's, on an environ made from the scope.

It shares the body, and the data read from it, with the asynchronous request in :mod:`.request`. Its
reads block the worker thread (design D2, D9).
"""

from __future__ import annotations

import json as standard_json
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as WSGIRequest

from ... import _contextvars
from ...datastructures import ImmutableMultiDict
from ...debughelpers import Sent, explain_missing_files
from ..http_connection import Routed, checked_host, lazy
from ..shared_attributes import SharedAttributes
from .base import ConnectedContext, Limit, body_of, of_class, refuse_json
from .body import Body
from .bounded_stream import bounded
from .form import FormDataParser
from .headers import HeaderIndex, header_index

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import MultiDict
    from werkzeug.routing import Rule


T = TypeVar("T")

#: key of an environ that leads to the context that carries the request
CONTEXT_KEY = "asyncflask.context"


class _Computed(lazy[T]):
    """The same for a class whose ``__setattr__`` is for what users set."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        compute = self.compute
        value = instance.__dict__[self.name] = compute(instance)
        return value


class SyncRequest(SharedAttributes, Routed, WSGIRequest):
    """Flask's synchronous request, in ``def`` functions and their worker thread.

    It is Werkzeug's request on a WSGI environ, with Flask's attributes: ``request.form["name"]``,
    ``request.get_json()``. Only reading the body blocks the worker thread.

    **Differs from Flask:** the limits count over the whole form, for urlencoded forms too; a
    malformed multipart form is a 400, not an empty form; a malformed ``Host`` is a 400.

    Args:
        environ: From :func:`asyncflask.wsgi.environ.make_environ`, or any WSGI environ.
        populate_request: Put this request into the environ as ``werkzeug.request``.
        shallow: Refuse to read the body.

    Source: ``Flask: Request``.
    """

    form_data_parser_class = FormDataParser
    parameter_storage_class: type[MultiDict[str, Any]] = ImmutableMultiDict
    dict_storage_class: type[MultiDict[str, Any]] = ImmutableMultiDict

    _set_later = frozenset({"_parsed_content_type"})  # by Werkzeug

    max_content_length = Limit("MAX_CONTENT_LENGTH", None)
    max_form_memory_size = Limit("MAX_FORM_MEMORY_SIZE", 500_000)
    max_form_parts = Limit("MAX_FORM_PARTS", 1000)  # type: ignore[assignment]  # Flask: None is allowed

    def __init__(
        self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False
    ) -> None:
        self._ctx: Any = environ.get(CONTEXT_KEY) or _Outside()
        super().__init__(environ, populate_request, shallow)

    def _shared_body(self) -> Body:
        if isinstance(self._ctx, _Outside):
            if self._ctx.made_body is None:
                # It keeps the data that were read; the bytes come from `wsgi.input`.
                self._ctx.made_body = Body(_empty_body)
            body: Body = self._ctx.made_body
            return body
        return body_of(self._ctx)

    args = _Computed(Routed.args.compute)
    full_path = _Computed(Routed.full_path.compute)

    @_Computed
    def trusted_hosts(self) -> list[str] | None:
        """The hosts this app answers for; ``TRUSTED_HOSTS`` unless set on the request."""
        app = self._ctx.app
        hosts: list[str] | None = None if app is None else app.config.get("TRUSTED_HOSTS")
        return hosts

    @_Computed
    def host(self) -> str:
        """The host that the client asked: name and, unless it is the scheme's default, port.

        Raises:
            SecurityError: The ``Host`` header is malformed or not trusted (400).
        """
        header = self.environ.get("HTTP_HOST")
        return checked_host(self.scheme, header, self.server, self.trusted_hosts)

    # -- data that Werkzeug keeps on the request, shared with the asynchronous one -----------------

    @property  # type: ignore[override]  # None: not read yet, as Werkzeug expects
    def _cached_data(self) -> bytes | None:
        return self._shared_body().cached

    @_cached_data.setter
    def _cached_data(self, data: bytes) -> None:
        self._shared_body().cached = data

    @property
    def _cached_json(self) -> tuple[Any, Any]:
        return self._shared_body().json

    @_cached_json.setter
    def _cached_json(self, values: tuple[Any, Any]) -> None:
        self._shared_body().json = values

    @_Computed
    def stream(self) -> IO[bytes]:
        """The body as a synchronous stream; reading it blocks this thread."""
        stream: IO[bytes] | None = self.environ.get("wsgi.input")
        if not self.shallow and getattr(stream, "enforces_limits", False):
            return cast(IO[bytes], stream)
        return bounded(super().stream, self.environ, self.max_content_length)

    def replace(self, name: str, value: object) -> None:
        """Set a value that was set on the other form.

        Args:
            name: The attribute's name.
            value: The value.
        """
        if name in ("form", "files"):  # The body has them.
            self.__dict__.pop("form", None)
            self.__dict__.pop("files", None)
        else:
            super().replace(name, value)

    def _load_form_data(self) -> None:
        kept = self.__dict__
        if "form" in kept and "files" in kept:
            return
        body = self._shared_body()
        if body.form is None:
            try:
                super()._load_form_data()
            except HTTPException as error:
                body.fail(error)
                raise
            body.form = self.form, self.files
            explain_missing_files(self._ctx.app, Sent(self.form, self.files, self.mimetype))
        else:
            kept["form"] = body.form[0]
            kept["files"] = of_class(FileStorage, body.form[1], body)

    def close(self) -> None:
        """Close the uploaded files."""
        if self._ctx.made_body is not None:
            self._ctx.made_body.close()

    # -- JSON --------------------------------------------------------------------------------------

    @property
    def json_module(self) -> Any:
        """The app's JSON provider."""
        app = self._ctx.app
        return standard_json if app is None else app.json

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body as JSON.

        Args:
            force: Parse it whatever its media type.
            silent: Return ``None`` instead of raising an error.
            cache: Keep the result for later calls.

        Returns:
            The data.

        Raises:
            UnsupportedMediaType: The media type is not JSON (415).
            BadRequest: The body is not JSON (400).

        Source: ``Flask: Request.get_json``.
        """
        try:
            return super().get_json(force, silent, cache)
        except RecursionError as error:
            # Thousands of brackets are bad input, not an error of the server.
            return None if silent else self.on_json_loading_failed(ValueError(str(error)))

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
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
        app = self._ctx.app
        refuse_json(e, self.content_type, app is None or app.debug)


class _Outside:
    """Replaces the context of a request that was made from an environ alone."""

    def __init__(self) -> None:
        self.url_rule: Rule | None = None
        self.view_args: dict[str, Any] | None = None
        self.routing_exception: HTTPException | None = None
        self.header_names: HeaderIndex | None = None
        self.made_body: Any = None

    @property
    def app(self) -> Any:
        ctx = _contextvars.current()
        return None if ctx is None else ctx.app


async def _empty_body() -> dict[str, Any]:
    return {"type": "http.request"}


def prefetch(ctx: ConnectedContext) -> None:
    """Receive the messages of a small body that have come already, on the loop's thread.

    It is called before ``def`` functions run in a worker thread. It never waits. It does nothing
    for a request without a body, and for a client that waits for ``100 Continue``.

    Args:
        ctx: The context of the request.
    """
    names = header_index(ctx)
    if b"expect" in names or not (b"content-length" in names or b"transfer-encoding" in names):
        return
    body_of(ctx).prefetch()
