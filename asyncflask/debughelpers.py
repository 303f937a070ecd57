"""Errors that explain, in debug mode, what would otherwise be a puzzle.

Outside of debug mode none of this is used: the plain 400 or redirect is sent instead.
"""

from __future__ import annotations

from typing import Any, Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from .templating import explain_template_loading_attempts as explain_template_loading_attempts

#: methods without a body to lose, and redirects that keep it
_BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEEPING_CODES = frozenset({307, 308})


class FormRequest(Protocol):
    """A request whose form has been read."""

    @property
    def form(self) -> MultiDict[str, str]: ...

    @property
    def files(self) -> MultiDict[str, Any]: ...

    @property
    def mimetype(self) -> str: ...


class RedirectedRequest(Protocol):
    """A request that was matched."""

    @property
    def url(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    @property
    def method(self) -> str: ...

    @property
    def routing_exception(self) -> HTTPException | None: ...


class RedirectContext(Protocol):
    """The context of a request that was matched."""

    routing_exception: HTTPException | None

    @property
    def request(self) -> Any: ...


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text came where bytes were wanted, or the other way round.

    Source: ``Flask: debughelpers.UnexpectedUnicodeError``.
    """


class DebugFilesKeyError(KeyError, AssertionError):
    """A file was looked for in a form that was not sent as ``multipart/form-data``.

    Args:
        request: The request.
        key: The field.

    Source: ``Flask: debughelpers.DebugFilesKeyError``.
    """

    def __init__(self, request: FormRequest, key: str) -> None:
        # COMPAT: Flask's suite looks for "no file contents were transmitted" and "This was
        # submitted: ".
        names = ", ".join(map(repr, request.form.getlist(key)))
        self.msg = (
            f"request.files[{key!r}] was read, but the form was sent as {request.mimetype!r}, so"
            " no file contents were transmitted.\n\n"
            'Add enctype="multipart/form-data" to the <form>.'
        )
        if names:
            self.msg += f" The browser sent names only. This was submitted: {names}"
        super().__init__(self.msg)

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """Routing would redirect a request in a way that makes the browser drop the form.

    Args:
        request: The request, with the redirect as its ``routing_exception``.

    Source: ``Flask: debughelpers.FormDataRoutingRedirect``.
    """

    def __init__(self, request: RedirectedRequest) -> None:
        redirect = request.routing_exception
        assert isinstance(redirect, RequestRedirect)
        # COMPAT: Flask's suite looks for "canonical URL '…'".
        message = (
            f"{request.method} {request.url!r} would be redirected to the canonical URL"
            f" {redirect.new_url!r} with status {redirect.code}, and browsers drop the form data"
            " then.\n\n"
        )
        if redirect.new_url.partition("?")[0] == f"{request.base_url}/":
            message += "The rule ends with a slash, the request's URL does not. "
        message += (
            "Send the form to the canonical URL, or redirect with 307 or 308."
            " (Outside of debug mode the redirect is sent.)"
        )
        super().__init__(message)


def raise_redirect_that_loses_the_body(ctx: RedirectContext) -> None:
    """Raise :class:`FormDataRoutingRedirect` if that is what the request has met.

    Args:
        ctx: A context whose routing failed.

    Source: ``Flask: app.raise_routing_exception``.
    """
    redirect = ctx.routing_exception
    if not isinstance(redirect, RequestRedirect) or redirect.code in _KEEPING_CODES:
        return
    request = ctx.request
    if request is not None and request.method not in _BODILESS_METHODS:
        raise FormDataRoutingRedirect(request)


def attach_enctype_error_multidict(request: FormRequest) -> None:
    """Let ``request.files[key]`` raise :class:`DebugFilesKeyError` for a field that was no file.

    Args:
        request: A request that was not sent as ``multipart/form-data``, its form already read (of
            an asynchronous request: an object with what was awaited). The class of its ``files`` is
            replaced by a subclass.

    Source: ``Flask: debughelpers.attach_enctype_error_multidict``.
    """
    plain: type[MultiDict[str, Any]] = type(request.files)

    class ExplainingFiles(plain):  # type: ignore[misc, valid-type]  # whatever class it has
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    ExplainingFiles.__name__ = plain.__name__
    ExplainingFiles.__module__ = plain.__module__
    request.files.__class__ = ExplainingFiles
