"""The traceback page of an unhandled error in debug mode, without a console.

Werkzeug renders it. Inside an interactive debugger, such as :mod:`.debugger`, the error is raised
for that instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

from ..context import Context
from ..wrappers.response.response import Response
from .frames import begin_with_the_app

#: Key of the environ, and of our scope, for a function of an interactive debugger, which keeps the
#: context that it is called with for its console. (Werkzeug: DebuggedApplication.)
PRESERVE_CONTEXT = "werkzeug.debug.preserve_context"


class PageApp(Protocol):
    """The attributes of an app that decide whether there is a page."""

    @property
    def testing(self) -> bool: ...

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def debug(self) -> bool: ...

    def log_exception(
        self, exc_info: tuple[type[BaseException], BaseException, TracebackType]
    ) -> None: ...


def traceback_response(app: PageApp, ctx: Context, error: BaseException) -> Response | None:
    """Render the page of an unhandled error.

    Args:
        app: The app.
        ctx: The context of the request.
        error: The error.

    Returns:
        The page; ``None`` if the error is to be raised: outside of debug mode, in tests, and if
        ``PROPAGATE_EXCEPTIONS`` is set.
    """
    config = app.config
    if not isinstance(error, Exception):
        return None
    if not app.debug or app.testing or config["PROPAGATE_EXCEPTIONS"] is not None:
        return None
    if ctx.connection_of("websocket") is not None or PRESERVE_CONTEXT in ctx.scope:
        return None
    # Imported late, because it replaces `sys.displayhook`, and takes a tenth of the import time.
    from werkzeug.debug.tbtools import DebugTraceback

    assert error.__traceback__ is not None  # It was raised.
    app.log_exception((type(error), error, error.__traceback__))
    trace = DebugTraceback(error)
    begin_with_the_app(trace)
    # Werkzeug escapes the error's text (CVE-2016-10516); no console, so no PIN to protect.
    html = trace.render_debugger_html(evalex=False, secret="", evalex_trusted=False)
    return Response(html, status=500)
