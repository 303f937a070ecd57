"""The request, whose data are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from werkzeug.datastructures import Headers, MultiDict

from ...datastructures import ImmutableMultiDict
from ...typing import Message
from ...wrappers import Request as AsyncRequest
from ...wrappers.request.awaitable import Pending
from ...wrappers.request.body import Body as AsyncBody
from ...wrappers.request.form import URLENCODED, MultiDicts
from ..datastructures import FileStorage
from ..formparser import FormDataParser
from .base import BaseRequestWebsocket

SERVER_PUSH_HEADERS_TO_COPY = {
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "user-agent",
}

PushPromise = Callable[[str, Headers], Awaitable[None]]


class Body(AsyncBody):
    """The body of a request that is made by hand: its bytes are put into it.

    Args:
        expected_content_length: The announced length in bytes; ``None`` if it is unknown.
        max_content_length: Most bytes to accept; ``None`` for no limit.

    Source: ``Quart: wrappers.request.Body``.
    """

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        self._given = bytearray()
        self._is_whole = False
        self._more = asyncio.Event()
        super().__init__(
            self._take_given, expected_content_length, max_content_length, idle_timeout=None
        )

    async def _take_given(self) -> Message:
        await self._more.wait()
        self._more.clear()
        data = bytes(self._given)
        self._given.clear()
        return {"type": "http.request", "body": data, "more_body": not self._is_whole}

    def append(self, data: bytes) -> None:
        """Add a piece.

        Args:
            data: Its bytes.
        """
        if data:
            self._given += data
            self._more.set()

    def set_complete(self) -> None:
        """Note that nothing more comes."""
        self._is_whole = True
        self._more.set()

    def set_result(self, data: bytes) -> None:
        """Set the whole body.

        Args:
            data: Its bytes.
        """
        self.append(data)
        self.set_complete()

    def clear(self) -> None:
        """Forget the bytes."""
        self._given.clear()
        self._left = b""
        if self.cached is not None:
            self.cached = b""


class Request(BaseRequestWebsocket, AsyncRequest):
    """An HTTP request; what needs the body is awaited.

    Args:
        method: The HTTP method.
        scheme: ``http`` or ``https``.
        path: The path, below ``root_path``.
        query_string: The part of the URL after the question mark.
        headers: The headers.
        root_path: The prefix that the app is mounted at.
        http_version: The version of HTTP.
        scope: The ASGI scope.
        max_content_length: Most bytes of the body; ``None``: as ``MAX_CONTENT_LENGTH`` says.
        body_timeout: Seconds in which the whole body must come; ``None``: no limit.
        send_push_promise: Called with a path and headers by :meth:`send_push_promise`.

    Source: ``Quart: wrappers.request.Request``.
    """

    body_class = Body
    form_data_parser_class = FormDataParser
    lock_class = asyncio.Lock
    file_storage_class = FileStorage
    _push: PushPromise | None = None

    def __init__(
        self,
        method: str,
        scheme: str,
        path: str,
        query_string: bytes,
        headers: Headers,
        root_path: str,
        http_version: str,
        scope: Any,
        *,
        max_content_length: int | None = None,
        body_timeout: int | None = None,
        send_push_promise: PushPromise,
    ) -> None:
        BaseRequestWebsocket.__init__(
            self, method, scheme, path, query_string, headers, root_path, http_version, scope
        )
        self._push = send_push_promise
        body = self.body_class(self.content_length, max_content_length)
        body.timeout = body_timeout
        self._ctx.made_body = body
        if max_content_length is not None:
            self.max_content_length = max_content_length

    @classmethod
    def of_context(cls, ctx: Any) -> Self:
        """Make the request of a context.

        Args:
            ctx: The context.
        """
        if cls.__init__ is Request.__init__:
            return super().of_context(ctx)
        parts = super(Request, Request).of_context(ctx)
        self = cls(
            parts.method,
            parts.scheme,
            parts.path,
            parts.query_string,
            parts.headers,
            parts.root_path,
            parts.http_version,
            ctx.scope,
            max_content_length=parts.max_content_length,
            body_timeout=ctx.app.config.get("BODY_TIMEOUT"),
            send_push_promise=_no_push,
        )
        self._ctx, self._push, self._made_of = ctx, None, None
        vars(self).pop("remote_addr", None)  # The constructor may have read one without a client.
        return self

    def move_to(self, ctx: Any) -> None:
        """Belong to another context from now on, with the body.

        Args:
            ctx: The context.
        """
        ctx.made_body = self._ctx.made_body
        super().move_to(ctx)

    # -- data of the body --------------------------------------------------------------------------

    if TYPE_CHECKING:

        @property  # type: ignore[override]  # what is assigned may be any MultiDict
        def files(self) -> Pending[ImmutableMultiDict[str, FileStorage]]: ...
        @files.setter
        def files(self, files: MultiDict[str, Any]) -> None: ...

    async def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Any:
        """Read the whole body.

        Args:
            cache: Keep the bytes for later reads, which otherwise return none.
            as_text: Decode as UTF-8.
            parse_form_data: Parse a form first.

        Returns:
            The bytes or the text; those of an urlencoded form also after ``await request.form``.
        """
        if parse_form_data:
            await self.load_form()
        data = await super().get_data(cache, as_text)
        if not cache:
            self.body.cached = b""
        return data

    @property
    async def stream(self) -> NoReturn:  # type: ignore[override]  # as Quart's
        """Raise an error: Quart's requests have a ``body`` instead."""
        raise NotImplementedError(
            "`request.stream` was read. Write `await request.body` for the whole body, or `async"
            " for piece in request.body` for its pieces."
        )

    @property  # type: ignore[misc]  # as Quart's, it is not set
    async def data(self) -> bytes:  # type: ignore[override]  # as Quart's
        """The body's bytes, awaited."""
        data: bytes = await self.get_data()
        return data

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body as JSON.

        Args:
            force: Parse it whatever its media type.
            silent: Return ``None`` instead of raising an error.
            cache: Keep the result for later calls.

        Returns:
            The data; ``None`` if the media type is not JSON.

        Raises:
            BadRequest: The body is not JSON (400).
        """
        if not (force or self.is_json):
            return None
        return await super().get_json(force, silent, cache)

    @property
    async def json(self) -> Any:  # type: ignore[override]  # as Quart's
        """The body parsed as JSON, awaited: :meth:`get_json` with its defaults."""
        return await self.get_json()

    def on_json_loading_failed(self, error: Any) -> Any:
        """Raise the error of :meth:`get_json`; override it to return a value instead.

        Args:
            error: The parser's error; ``None`` if the media type was not JSON.

        Returns:
            What an override returns, which is the result of :meth:`get_json`.
        """
        return super().on_json_loading_failed(error)

    def make_form_data_parser(self) -> FormDataParser:
        """Return the parser of forms; override it to use another one."""
        return self.form_data_parser_class(
            cls=self.parameter_storage_class,
            max_content_length=self.max_content_length,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
        )

    async def load_form(self) -> MultiDicts:
        """Return the fields and the uploads of the form, which is read at the first call."""
        body = self.body
        if body.form is not None:
            return body.form
        if self.mimetype == URLENCODED:
            await body.read_all()  # get_data() returns these bytes later.
        if self._has_own_parser():
            parser = self.make_form_data_parser()
            form: tuple[MultiDict[str, Any], MultiDict[str, Any]] = await parser.parse(
                body, self.mimetype, self.content_length, cast(Any, self.mimetype_params)
            )
            body.form = form
            return form
        return await super().load_form()

    def _has_own_parser(self) -> bool:
        cls = type(self)
        return (
            cls.form_data_parser_class is not FormDataParser
            or cls.make_form_data_parser is not Request.make_form_data_parser
        )

    async def close(self) -> None:  # type: ignore[override]  # as Quart's
        """Close the uploaded files."""
        super().close()

    async def send_push_promise(self, path: str) -> None:
        """Announce that a path will be pushed to the client, if the server supports it (HTTP/2).

        Args:
            path: Path and query string on this host.
        """
        if self._push is None:
            await super().send_push_promise(path)
            return
        headers = Headers()
        for name in sorted(SERVER_PUSH_HEADERS_TO_COPY):
            for value in self.headers.getlist(name):
                headers.add(name, value)
        await self._push(path, headers)


async def _no_push(path: str, headers: Headers) -> None:
    """Push nothing; the context of a served request does."""
