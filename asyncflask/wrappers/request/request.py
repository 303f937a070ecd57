"""The request of ``async def`` functions: what needs the body is awaited (design D2).

It has a :class:`~.body.Body` that it shares with the synchronous request in :mod:`.sync`: what one
of them has read or parsed, and the limits set on it, hold for the other one too. The scope is read
in :mod:`..http_connection`, and forms are parsed in :mod:`.form`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, ClassVar, Literal, NoReturn, overload

from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.http import parse_options_header

from ...datastructures import FileStorage
from ...debughelpers import Sent, explain_missing_files
from ...logging import one_line
from ..http_connection import HTTPConnection, lazy
from .awaitable import Pending, PendingCall, Read
from .base import ConnectedContext, Limit, body_of, make_body, of_class, refuse_json
from .body import Body
from .form import MultiDicts, parse_form
from .headers import header_index
from .multipart_form import FormLimits
from .sync import SyncRequest, prefetch

__all__ = ["Request", "SyncRequest", "body_of", "prefetch"]


_NOT_PARSED: tuple[str, dict[str, str]] = ("", {})


class Request(HTTPConnection):
    """An HTTP request, in ``async def`` functions.

    Data of the body are awaited: ``await request.get_json()``, ``await request.form``. Data of the
    request line and the headers are plain attributes: ``request.args``, ``request.headers``.

    Args:
        ctx: The context that carries this request.

    Source: ``Flask: Request``, ``Quart: Request``.
    """

    _ctx: ConnectedContext

    max_content_length = Limit("MAX_CONTENT_LENGTH", None)
    max_form_memory_size = Limit("MAX_FORM_MEMORY_SIZE", 500_000)
    max_form_parts = Limit("MAX_FORM_PARTS", 1000)

    #: True once a subclass's `max_content_length` was copied to the body; a later assignment wins
    _told_limit = False
    #: whether no subclass overrides `content_type`
    _has_own_content_type: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._has_own_content_type = cls.content_type is Request.content_type

    def __init__(self, ctx: ConnectedContext) -> None:
        self._ctx = ctx

    # -- the body ----------------------------------------------------------------------------------

    @property
    def body(self) -> Body:
        """The body: iterate over it as it comes, or ``await`` it as a whole."""
        ctx = self._ctx
        body: Body = ctx.made_body or make_body(ctx)
        if self.__class__.max_content_length is not _OWN_LIMIT and not self._told_limit:
            body.max_content_length = self.max_content_length  # A subclass may override it.
            self._told_limit = True
        return body

    def _shared_body(self) -> Body:
        return body_of(self._ctx)

    @property
    def body_timeout(self) -> float | None:
        """Seconds in which the whole body must come: ``BODY_TIMEOUT``, unless it is set here.

        Set it before the body is read: in a ``before_request`` function, or first in the view.

        Source: ``Quart: Request.body_timeout``.
        """
        return self.body.timeout

    @body_timeout.setter
    def body_timeout(self, seconds: float | None) -> None:
        self.body.timeout = seconds

    @property
    def stream(self) -> Body:
        """The same as :attr:`body`: ``async for piece in request.stream``."""
        return self.body

    @overload
    def get_data(
        self, cache: bool = ..., as_text: Literal[False] = ..., parse_form_data: bool = ...
    ) -> Pending[bytes]: ...
    @overload
    def get_data(
        self, cache: bool = ..., *, as_text: Literal[True], parse_form_data: bool = ...
    ) -> Pending[str]: ...
    @overload
    def get_data(
        self, cache: bool = ..., as_text: bool = ..., parse_form_data: bool = ...
    ) -> Pending[Any]: ...
    def get_data(
        self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False
    ) -> Pending[Any]:
        """Read the whole body: ``await request.get_data()``.

        Args:
            cache: Keep the bytes for later reads. With ``False``, a later read returns ``b""``.
            as_text: Decode as UTF-8; malformed bytes are replaced.
            parse_form_data: Parse a form first. The result is empty then.

        Returns:
            The bytes or the text, to be awaited.

        Raises:
            RequestEntityTooLarge: The body is longer than :attr:`max_content_length` (413).
            RequestTimeout: It did not come in time (408).
            ClientDisconnected: The client left before the end.

        Source: ``Flask: Request.get_data``.
        """
        options = cache, as_text, parse_form_data
        return PendingCall("request.get_data()", _read_data, self, options)

    @property
    def data(self) -> Pending[bytes]:
        """The body's bytes, awaited; empty for a form, whose fields are in :attr:`form`."""
        return Pending("request.data", _read_data, self, (True, False, True))

    async def is_disconnected(self) -> bool:
        """Return whether the server has reported that the client has disconnected.

        For long work whose result may no longer be needed. Nothing of the body is lost by it.
        """
        return await self.body.is_disconnected()

    def close(self) -> None:
        """Close the uploaded files."""
        if self._ctx.made_body is not None:
            self._ctx.made_body.close()

    # -- JSON --------------------------------------------------------------------------------------

    @property
    def json_module(self) -> Any:
        """The app's JSON provider."""
        return self._ctx.app.json

    @property
    def json(self) -> Pending[Any]:
        """The body parsed as JSON, awaited: :meth:`get_json` with its defaults."""
        return Pending("request.json", _read_json, self, (False, False, True))

    def get_json(
        self, force: bool = False, silent: bool = False, cache: bool = True
    ) -> Pending[Any]:
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

    def _parse_json(self, body: Body, data: bytes, silent: bool, cache: bool) -> Any:
        try:
            value = self.json_module.loads(data)
        except (ValueError, RecursionError) as error:
            # RecursionError: thousands of brackets are bad input, not an error of the server.
            value = None if silent else self.on_json_loading_failed(ValueError(str(error)))
            if cache:
                body.json = (body.json[0], None) if silent else (value, body.json[1])
        else:
            if cache:
                body.json = (value, value)
        return value

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
        refuse_json(e, self.content_type, self._ctx.app.debug)

    # -- forms -------------------------------------------------------------------------------------

    @property
    def form(self) -> Pending[ImmutableMultiDict[str, str]]:
        """The fields of the form, awaited. Uploads are in :attr:`files`.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        return Pending("request.form", _read_form, self, None)

    @property
    def files(self) -> Pending[ImmutableMultiDict[str, FileStorage]]:
        """The uploads of the form, awaited.

        SECURITY: the client chooses a file's name; see :class:`.FileStorage`.

        Raises:
            BadRequest: The form is malformed or cut off (400).
            RequestEntityTooLarge: It goes over one of the limits (413).
        """
        return Pending("request.files", _read_files, self, None)

    @property
    def values(self) -> Pending[CombinedMultiDict[str, str]]:
        """:attr:`args` and :attr:`form` together, awaited; of a ``GET`` request only ``args``."""
        return Pending("request.values", _read_values, self, None)

    @property
    def want_form_data_parsed(self) -> bool:
        """Whether the body may be a form: it has a ``Content-Type``."""
        return bool(self.content_type)

    async def _load_form_data(self) -> MultiDicts:
        body = self.body
        if body.form is not None:
            return body.form
        if body.claimed:
            await body.unclaimed()  # Two tasks that read the form get the same one.
        body.claimed = True
        try:
            if body.form is None:
                form, files = body.form = await self._parse_form(body)
                if self._ctx.app.debug:
                    explain_missing_files(self._ctx.app, Sent(form, files, self.mimetype))
        except HTTPException as error:
            body.fail(error)
            raise
        except BaseException:
            body.fail(BadRequest("Reading the form was interrupted; its first part is lost."))
            raise
        finally:
            body.release()
        return body.form

    def _parse_form(self, body: Body) -> Coroutine[Any, Any, MultiDicts]:
        mimetype = self.mimetype if self.want_form_data_parsed else ""
        limits = FormLimits(self.max_form_memory_size, self.max_form_parts)
        cls = self.parameter_storage_class
        return parse_form(body, mimetype, self.mimetype_params, limits, cls)

    @property
    def environ(self) -> NoReturn:
        """Raise an error: an ASGI request has :attr:`scope`. ``def`` functions have an environ.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(
            "`request.environ` was read in an `async def` function, where the request does not come"
            " over WSGI. Read `request.headers`, `request.remote_addr` or `request.scope`, or"
            " declare the function with `def`."
        )

    # -- headers -----------------------------------------------------------------------------------

    @lazy
    def content_type(self) -> str | None:  # type: ignore[override]  # Werkzeug's stub forgets None
        """The ``Content-Type`` header; the first one, if there are several."""
        value = header_index(self._ctx).get(b"content-type")
        return None if value is None else value.decode("latin-1")

    _parsed_content_type = _NOT_PARSED

    def _parse_content_type(self) -> None:
        # Werkzeug's method decodes all headers at each call.
        if self._parsed_content_type is _NOT_PARSED:
            text = self.content_type
            if text is None or ";" in text:
                self._parsed_content_type = parse_options_header(text)
            else:
                self._parsed_content_type = text.strip(" \t"), {}

    @property
    def is_json(self) -> bool:
        """Whether the media type is ``application/json`` or ``application/…+json``."""
        # PERF: most JSON has exactly this type; parsing a media type takes 3 µs.
        content_type = header_index(self._ctx).get(b"content-type")
        if content_type == _JSON and self._has_own_content_type:
            return True
        return super().is_json

    # -- extensions of the server ------------------------------------------------------------------

    async def send_push_promise(self, path: str) -> None:
        """Announce that ``path`` will be pushed to the client, if the server supports it (HTTP/2).

        The headers that select the pushed response are copied from this request.

        Args:
            path: Path and query string on this host, beginning with a slash.

        Raises:
            ValueError: ``path`` is not a path.

        Source: ``ASGI: http.response.push``; ``Quart: Request.send_push_promise``.
        """
        if not path.startswith("/") or not path.isprintable() or " " in path:
            raise ValueError(
                f"send_push_promise({path!r}): this is not a path on this host."
                " Write it as url_for() returns it, for example '/static/style.css'."
            )
        if "http.response.push" not in (self.scope.get("extensions") or ()):
            return
        headers = [pair for pair in self.scope["headers"] if pair[0] in _PUSHED_HEADERS]
        message = {"type": "http.response.push", "path": path, "headers": headers}
        await self._ctx.send(message)

    async def send_early_hints(self, links: Iterable[str]) -> None:
        """Send a 103 response with ``Link`` headers first, if the server supports it.

        Args:
            links: Values of ``Link`` headers, such as ``"</style.css>; rel=preload; as=style"``.

        Raises:
            ValueError: A value has a control character or one outside of Latin-1.

        Source: ``ASGI: http.response.early_hint``; :rfc:`8297`.
        """
        encoded = [_link(link) for link in links]
        if "http.response.early_hint" in (self.scope.get("extensions") or ()):
            await self._ctx.send({"type": "http.response.early_hint", "links": encoded})


_JSON = b"application/json"
_OWN_LIMIT = Request.max_content_length


# -- reading, when it is awaited -------------------------------------------------------------------


async def _read_data(request: Request, options: tuple[bool, bool, bool]) -> Any:
    cache, as_text, parse_form_data = options
    body = request.body
    data = body.cached
    if data is None:
        if parse_form_data:
            await request._load_form_data()
        data = await body.read_all(cache)
        if not data and body.form is not None and body.begun and not parse_form_data:
            _note_used_up(request)
    return data.decode(errors="replace") if as_text else data


def _note_used_up(request: Request) -> None:
    """Log in debug mode why there are no bytes, because a signature over them would be wrong."""
    app = request._ctx.app
    if app.debug:
        app.logger.warning(
            "request.get_data() returns b'' on %s: reading the form has consumed the body, as in"
            " Flask. Write `data = await request.get_data()` before `await request.form`; the form"
            " can still be read then.",
            one_line(request.path),
        )


def _read_json(request: Request, options: tuple[bool, bool, bool]) -> Read[Any]:
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
    return (request._parse_json(body, data, silent, cache),)


async def _await_json(request: Request, body: Body, silent: bool, cache: bool) -> Any:
    return request._parse_json(body, await body.read_all(cache), silent, cache)


async def _read_form(request: Request, _: None) -> Any:
    return (await request._load_form_data())[0]


async def _read_files(request: Request, _: None) -> Any:
    return of_class(FileStorage, (await request._load_form_data())[1])


async def _read_values(request: Request, _: None) -> CombinedMultiDict[str, str]:
    if request.method == "GET":
        return CombinedMultiDict([request.args])
    return CombinedMultiDict([request.args, (await request._load_form_data())[0]])


# -- hints for the client --------------------------------------------------------------------------

_PUSHED_HEADERS = frozenset(
    {b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"user-agent"}
)


def _link(link: str) -> bytes:
    if not link.isprintable() or not link.isascii():
        raise ValueError(
            f"send_early_hints([{link!r}]): a Link header takes printable ASCII only."
            " Percent-encode the rest, for example with url_for()."
        )
    return link.encode("ascii")
