"""Errors that explain what is otherwise hard to understand.

Most of this is used in debug mode only: outside of it the plain 400 or redirect is sent instead.
"""

from __future__ import annotations

import re
import sys
import warnings
from types import ModuleType
from typing import Any, Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from .loading import explain_template_loading_attempts as explain_template_loading_attempts
from .wrappers.enctype import DebugFilesKeyError as DebugFilesKeyError
from .wrappers.enctype import attach_enctype_error_multidict as attach_enctype_error_multidict

_INSTALL = (
    "Code that imports `flask`, as extensions do, does not see asyncflask's contexts (`request`,"
    " `g`, `current_app`). Call asyncflask.flask.install() before anything imports `flask`, or"
    " start the process with ASYNCFLASK_AS_FLASK=1 (docs/how-to/port-a-flask-app.md)."
)
_OF_REAL_FLASK = f"is used in a process that has imported the real Flask as well. {_INSTALL}"

#: methods without a body to lose, and redirects that keep it
_BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEEPING_CODES = frozenset({307, 308})


#: What Python says of an `await` before something that cannot be awaited: up to 3.13, from 3.14 on.
_NEEDLESS_AWAIT = re.compile(
    r"object (\w+) can't be used in 'await' expression|'(\w+)' object can't be awaited"
    r"|object (\w+) does not have __await__ method"  # of a proxy, whose object has none
)


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


def explain_needless_await(error: Exception) -> None:
    """Add a note to Python's error about an ``await`` that is left over from Quart.

    Args:
        error: An error of a view or hook; others than this one stay as they are.
    """
    found = _NEEDLESS_AWAIT.fullmatch(str(error))
    if found is None or getattr(error, "__notes__", None):
        return
    kind = found[1] or found[2] or found[3]
    error.add_note(
        f"An `await` is written before a plain call, which returned {kind!r}:"
        " remove it. What needs no I/O is not awaited in asyncflask: render_template(),"
        " make_response(), flash(), send_file(), response.get_data() …"
        " (docs/how-to/migrate-from-quart.md)"
    )


def real_flask() -> ModuleType | None:
    """Return the module ``flask`` if it is imported and is not ``asyncflask.flask``."""
    module = sys.modules.get("flask")
    return None if module is sys.modules.get("asyncflask.flask") else module


def warn_of_real_flask(what: str, stacklevel: int) -> None:
    """Warn of an app whose extensions see the contexts of another framework.

    Args:
        what: What is concerned: an app or a blueprint.
        stacklevel: Where the warning points: 1 is the caller of this function.
    """
    if real_flask() is not None:
        warnings.warn(f"{what} {_OF_REAL_FLASK}", RuntimeWarning, stacklevel=stacklevel + 1)


def explain_real_flask(error: RuntimeError) -> None:
    """Add a note to the error of a proxy of the real Flask, used in an app of asyncflask.

    Args:
        error: An error of a view or hook; others than this one stay as they are.
    """
    if str(error).startswith("Working outside of") and real_flask() is not None:
        error.add_note(f"It was raised by a proxy of the real Flask. {_INSTALL}")
