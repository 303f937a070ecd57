"""Flask's synchronous request and response: Werkzeug's, with what Flask adds.

They are the same whether a WSGI server, the test client or an ASGI server calls the app; on ASGI
the environ is made from the scope (``wsgi/environ.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import IO, Any, ClassVar, NoReturn, Self, cast, overload
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.routing import Rule
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from .._contextvars import current
from .._invalidation import NoticedType
from ..debughelpers import attach_enctype_error_multidict
from ..wrappers.request.bounded_stream import bounded
from ..wrappers.request.form import URLENCODED
from ..wrappers.response.response import ConditionalRequest
from ..wrappers.response.response import Response as AsyncResponse
from . import json
from .globals import current_app as current_app

# COMPAT: Flask's module imports them by these names, and Flask-Classful from it.
RequestBase = WerkzeugRequest
ResponseBase = WerkzeugResponse


class _Limit:
    """A limit of the body: the configuration's, unless it is set on the request."""

    def __init__(self, key: str, default: int | None) -> None:
        self._key = key
        self._default = default  # Werkzeug's, for a request outside of every app.

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"
        self.__doc__ = f"``{self._key}``, unless it is set here for this request."

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Request, owner: type) -> int | None: ...
    def __get__(self, instance: Request | None, owner: type) -> Self | int | None:
        if instance is None:
            return self
        own: int | None = instance.__dict__.get(self._name)
        if own is not None:
            return own
        ctx = current()
        limit: int | None = self._default if ctx is None else ctx.app.config[self._key]
        return limit

    def __set__(self, instance: Request, value: int | None) -> None:
        instance.__dict__[self._name] = value


class BoundedFormDataParser(FormDataParser):
    """Werkzeug's parser, with a limit for urlencoded forms without a Content-Length as well.

    **Differs from Flask:** such a form over ``MAX_FORM_MEMORY_SIZE`` is a 413.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Parse a form.

        Args:
            stream: The body.
            mimetype: The media type.
            content_length: The length of the body in bytes; ``None`` if it is not known.
            options: Parameters of the media type.

        Returns:
            The stream, the fields and the files.

        Raises:
            RequestEntityTooLarge: The form exceeds a limit (413).
        """
        limit = self.max_form_memory_size
        if mimetype != URLENCODED or content_length is not None or limit is None:
            return super().parse(stream, mimetype, content_length, options)
        # RFC 9112 §7.1: chunked. A raw stream may return fewer bytes than were requested.
        data = bytearray()
        while len(data) <= limit and (piece := stream.read(limit + 1 - len(data))):
            data += piece
        if len(data) > limit:
            raise RequestEntityTooLarge(
                f"The form has more than MAX_FORM_MEMORY_SIZE = {limit} bytes."
            )
        parsed = super().parse(BytesIO(bytes(data)), mimetype, len(data), options)
        return stream, parsed[1], parsed[2]


def _split_blueprint_path(name: str) -> list[str]:
    names = []
    while name:
        names.append(name)
        name = name.rpartition(".")[0]
    return names


class Request(WerkzeugRequest, metaclass=NoticedType):
    """The request that views of a Flask app see.

    Args:
        environ: The WSGI environ.
        populate_request: Put this request into the environ as ``werkzeug.request``.
        shallow: Refuse to read the body.

    Source: ``Flask: Request``.
    """

    json_module: Any = json

    #: The rule that matched, or ``None``.
    url_rule: Rule | None = None
    #: The arguments that matched, or ``None``.
    view_args: dict[str, Any] | None = None
    #: The error of matching, or ``None``.
    routing_exception: HTTPException | None = None

    max_content_length = _Limit("MAX_CONTENT_LENGTH", None)
    max_form_memory_size = _Limit("MAX_FORM_MEMORY_SIZE", 500_000)
    max_form_parts = _Limit("MAX_FORM_PARTS", 1000)  # type: ignore[assignment]  # Flask: None is allowed

    @property
    def endpoint(self) -> str | None:
        """The endpoint that matched, or ``None``."""
        return None if self.url_rule is None else self.url_rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The name of the blueprint that matched, or ``None``."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint that matched and of its parents, innermost first."""
        return _split_blueprint_path(self.blueprint or "")

    form_data_parser_class: type[FormDataParser] = BoundedFormDataParser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The request's body, which can be read once.

        **Differs from Flask:** a body over ``MAX_CONTENT_LENGTH`` is always a 413. Flask cuts off
        a body whose length was not announced, and gives the view its first bytes.
        """
        return bounded(super().stream, self.environ, self.max_content_length)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        ctx = current()
        # In debug mode a file that is missing because of the form's type is explained.
        if (
            ctx is not None
            and ctx.app.debug
            and self.mimetype != "multipart/form-data"
            and not self.files
        ):
            attach_enctype_error_multidict(self)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Raise the error for a body that is not JSON; in debug mode it says why.

        Args:
            e: The error of the parser, or ``None`` if the content type is not that of JSON.

        Raises:
            BadRequest: The body is malformed.
            UnsupportedMediaType: The content type is not that of JSON.
        """
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as error:
            self._hide_details(error)

    def _hide_details(self, error: BadRequest) -> NoReturn:
        ctx = current()
        if ctx is not None and ctx.app.debug:
            raise error
        raise BadRequest() from error


#: Methods that a subclass may override to change how a WSGI response is made.
_WSGI_STEPS = ("get_wsgi_response", "get_wsgi_headers", "get_app_iter", "iter_encoded", "close")
_BODILESS = frozenset([*range(100, 200), 204, 304])
_PLAIN_HEADERS = ["Content-Type", "Content-Length"]


class Response(AsyncResponse):
    """The response that views of a Flask app return. Source: ``Flask: Response``.

    It is the async API's response class, restricted to what a WSGI server can send.
    """

    json_module = json
    #: whether text may be sent without them
    _plain: ClassVar[bool] = True
    #: :data:`_WSGI_STEPS` as they are here
    _wsgi_steps: ClassVar[dict[str, object]] = {}
    _instead: ClassVar[str] = (
        "    A response of a Flask app is sent through WSGI. Return a `def` generator, or move the"
        " view\n    to an app of `asyncflask.Flask`, on which the Flask app is mounted: step 4 of\n"
        "    docs/how-to/port-a-flask-app.md."
    )

    @classmethod
    def _note_class(cls) -> None:
        super()._note_class()
        steps = cls._wsgi_steps
        if not steps:  # The class is new.
            steps.update({name: getattr(cls, name) for name in _WSGI_STEPS})
        cls.note("_plain", all(getattr(cls, name) is step for name, step in steps.items()))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send this response as a WSGI application.

        Args:
            environ: The environ of the request.
            start_response: The function of the server.

        Returns:
            The pieces of the body.
        """
        # PERF: text with no other headers than its type and length; with Werkzeug's method a small
        # request takes a third more.
        chunks = self.buffered_chunks()
        if chunks is not None and self._plain and len(chunks) == 1 and isinstance(chunks[0], bytes):
            headers = list(self.headers)
            bodiless = self.status_code in _BODILESS
            # They may also be a plain dict, whose keys are no pairs.
            if bodiless or [pair[0] for pair in headers] != _PLAIN_HEADERS:
                headers = self.get_wsgi_headers(environ).to_wsgi_list()
            start_response(self.status, headers)
            # A list needs no close(), so the ASGI side sends it without another call.
            return [] if bodiless or environ["REQUEST_METHOD"] == "HEAD" else chunks
        return super().__call__(environ, start_response)

    def make_conditional(
        self,
        request_or_environ: ConditionalRequest | WSGIEnvironment,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Self:
        """Make this a 304, 412 or 206 response if the request's headers ask for it.

        Args:
            request_or_environ: The request, or a WSGI environ.
            accept_ranges: Whether ranges are answered, or the value of ``Accept-Ranges``.
            complete_length: Length of the body in bytes, needed for ranges.

        Returns:
            The response itself.
        """
        asking = cast("WerkzeugRequest | WSGIEnvironment", request_or_environ)
        WerkzeugResponse.make_conditional(self, asking, accept_ranges, complete_length)
        return self
