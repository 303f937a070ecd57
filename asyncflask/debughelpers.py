"""Errors that explain what is otherwise hard to understand.

Most of this is used in debug mode only: outside of it the plain 400 or redirect is sent instead.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

_INSTALL = (
    "Code that imports `flask`, as extensions do, does not see asyncflask's contexts (`request`,"
    " `g`, `current_app`). Call asyncflask.flask.install() before anything imports `flask`"
    " (docs/how-to/port-a-flask-app.md)."
)
_INSTALL_QUART = (
    "Code that imports `quart`, as extensions do, does not see asyncflask's contexts (`request`,"
    " `g`, `current_app`). Make the app by asyncflask.quart.Quart, and call"
    " asyncflask.quart.install() before anything imports `quart`"
    " (docs/reference/quart-facade.md)."
)
#: what Quart's proxies say outside of their context
_OF_QUART = re.compile("Not within an? (app|request|websocket|request nor websocket) context")
_OF_REAL_FLASK = f"is used in a process that has imported the real Flask as well. {_INSTALL}"

#: methods without a body to lose, and redirects that keep it
_BODILESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEEPING_CODES = frozenset({307, 308})


#: What Python says of an `await` before something that cannot be awaited: up to 3.13, from 3.14 on.
_NEEDLESS_AWAIT = re.compile(
    r"object (\w+) can't be used in 'await' expression|'(\w+)' object can't be awaited"
    r"|object (\w+) does not have __await__ method"  # of a proxy, whose object has none
)

#: how the message of `sqlite3` about a connection of another thread begins
_OF_OTHER_THREAD = "SQLite objects created in a thread"


MULTIPART = "multipart/form-data"


class StartupApp(Protocol):
    """An app with the functions of its startup."""

    has_started: bool

    @property
    def before_serving_funcs(self) -> Sequence[object]: ...

    @property
    def while_serving_gens(self) -> Sequence[object]: ...


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

    @property
    def routing_exception(self) -> Exception | None: ...

    @property
    def request(self) -> RedirectedRequest: ...


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

    Raises:
        FormDataRoutingRedirect: It has met one.

    Source: ``Flask: app.raise_routing_exception``.
    """
    redirect = ctx.routing_exception
    if not isinstance(redirect, RequestRedirect) or redirect.code in _KEEPING_CODES:
        return
    request = ctx.request
    if request is not None and request.method not in _BODILESS_METHODS:
        raise FormDataRoutingRedirect(request)


# -- a form without enctype ------------------------------------------------------------------------


class FormRequest(Protocol):
    """A request whose form has been read."""

    @property
    def form(self) -> MultiDict[str, str]: ...

    @property
    def files(self) -> MultiDict[str, Any]: ...

    @property
    def mimetype(self) -> str: ...


class DebugModeApp(Protocol):
    """An app that says whether it is in debug mode."""

    @property
    def debug(self) -> bool: ...


@dataclass
class Sent:
    """A form that was read.

    Attributes:
        form: The fields.
        files: The uploads.
        mimetype: The media type of the body.
    """

    form: MultiDict[str, str]
    files: MultiDict[str, Any]
    mimetype: str


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


def explain_missing_files(app: DebugModeApp | None, sent: Sent) -> None:
    """Let ``files`` explain a missing file, in debug mode, where the form could not carry any.

    Args:
        app: The app; ``None`` outside of every app.
        sent: The form that was read.

    Source: ``Flask: Request._load_form_data``.
    """
    if app is not None and app.debug and sent.mimetype != MULTIPART and not sent.files:
        attach_enctype_error_multidict(sent)


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


# -- imports and awaits of other frameworks --------------------------------------------------------


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


def explain_other_thread(error: BaseException) -> None:
    """Add a note to the error of ``sqlite3`` about a connection of another thread.

    Args:
        error: An error of a view, hook or teardown function; others than this one stay as they are.
    """
    # By its name, so that `sqlite3` is not imported; other errors may not like `str()`.
    if type(error).__name__ != "ProgrammingError" or getattr(error, "__notes__", None):
        return
    if str(error).startswith(_OF_OTHER_THREAD):
        error.add_note(
            "An `async def` function runs on the event loop, the `def` functions of a request in"
            " a thread of their own. Open, use and close what belongs to one thread in `def`"
            " functions; an `async def` function calls those with"
            " `await current_app.ensure_async(function)(…)` (docs/explanation/def-and-async.md)."
        )


def explain_missing_startup(app: StartupApp, error: BaseException) -> None:
    """Add a note to the error of code that finds nothing of what the startup would have made.

    Args:
        app: The app.
        error: An error of a view or hook; only those of a missing key or attribute get the note.
    """
    if app.has_started or not isinstance(error, (LookupError, AttributeError)):
        return
    registered = {
        "before_serving": app.before_serving_funcs,
        "while_serving": app.while_serving_gens,
    }
    names = " and ".join(name for name, functions in registered.items() if functions)
    if names:
        error.add_note(
            f"The {names} functions of {app!r} have not run, so what they make is missing. In a"
            " test write `async with app.test_app() as running:`, and take the client from"
            " `running.test_client()`. A server runs them if it supports ASGI's lifespan; WSGI has"
            " none (docs/reference/background-tasks.md)."
        )


def explain_closed_upload(error: BaseException) -> None:
    """Add a note to the error of a background task that reads a closed file.

    Args:
        error: The task's error; others than this one stay as they are.
    """
    if type(error) is ValueError and str(error).rstrip(".").endswith("closed file"):
        error.add_note(
            "The uploads of a form are closed when their request ends. Read or save them in the"
            " view, and give the bytes or the path to the background task"
            " (docs/how-to/uploads.md)."
        )


def _real(name: str) -> ModuleType | None:
    """Return the module ``flask`` or ``quart`` if it is imported and is not asyncflask's."""
    module = sys.modules.get(name)
    return None if module is sys.modules.get(f"asyncflask.{name}") else module


def warn_of_real_flask(what: str, stacklevel: int) -> None:
    """Warn of an app whose extensions see the contexts of another framework.

    Args:
        what: What is concerned: an app or a blueprint.
        stacklevel: Where the warning points: 1 is the caller of this function.
    """
    if _real("flask") is not None:
        warnings.warn(f"{what} {_OF_REAL_FLASK}", RuntimeWarning, stacklevel=stacklevel + 1)


def explain_other_framework(error: RuntimeError) -> None:
    """Add a note to the error of a proxy of the real Flask or Quart, used in an asyncflask app.

    Args:
        error: An error of a view or hook; others than this one stay as they are.
    """
    message = str(error)
    if message.startswith("Working outside of") and _real("flask") is not None:
        error.add_note(f"It was raised by a proxy of the real Flask. {_INSTALL}")
    elif _OF_QUART.fullmatch(message) and _real("quart") is not None:
        error.add_note(f"It was raised by a proxy of the real Quart. {_INSTALL_QUART}")
