"""The part of the asynchronous request that has the body: limits, and the bytes as they come."""

from __future__ import annotations

from typing import ClassVar

from werkzeug.http import parse_options_header

from ..http_connection import HTTPConnection, lazy
from .base import Limit, ReadingContext, body_of, make_body
from .body import Body
from .headers import header_index

_NOT_PARSED: tuple[str, dict[str, str]] = ("", {})


class BodyRequest(HTTPConnection):
    """A request with a body, whose media type is known and whose length is limited.

    Args:
        ctx: The context that carries this request.
    """

    _ctx: ReadingContext

    max_content_length = Limit("MAX_CONTENT_LENGTH", None)

    #: True once a subclass's `max_content_length` was copied to the body; a later assignment wins
    _told_limit = False
    #: whether no subclass overrides `content_type`
    _has_own_content_type: ClassVar[bool] = True

    #: as it is here, before it was replaced
    _own_content_type: ClassVar[object] = None

    @classmethod
    def _note_class(cls) -> None:
        if cls._own_content_type is None:  # The class is new.
            cls.note("_own_content_type", cls.content_type)
        cls.note("_has_own_content_type", cls.content_type is cls._own_content_type)

    def __init__(self, ctx: ReadingContext) -> None:
        self._ctx = ctx

    # -- the body ----------------------------------------------------------------------------------

    @property
    def body(self) -> Body:
        """The body: iterate over it as it comes, or ``await`` it as a whole."""
        ctx = self._ctx
        body = ctx.made_body or make_body(ctx)
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

    async def is_disconnected(self) -> bool:
        """Return whether the server has reported that the client has disconnected.

        For long work whose result may no longer be needed. Nothing of the body is lost by it.
        """
        return await self.body.is_disconnected()

    def close(self) -> None:
        """Close the uploaded files."""
        if self._ctx.made_body is not None:
            self._ctx.made_body.close()

    # -- the media type ----------------------------------------------------------------------------

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


_OWN_LIMIT = BodyRequest.max_content_length
