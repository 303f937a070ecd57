"""The traceback page that debug mode answers an unhandled error with. Not interactive.

Werkzeug renders it. Where the interactive debugger is around (:mod:`.debugger`), which has a
console and a PIN, the error is left to that.
"""

from __future__ import annotations

from typing import Any

from ..wrappers.response.response import Response
from .frames import begin_with_the_app

#: What an interactive debugger puts into the environ (and ours into the scope): it is called with
#: the context of a request, which is then kept for the console. (Werkzeug: DebuggedApplication.)
PRESERVE_CONTEXT = "werkzeug.debug.preserve_context"


def traceback_response(app: Any, ctx: Any, error: BaseException) -> Response | None:
    """Render an error that nothing handled, or return ``None`` where it is to be raised.

    A page is shown in debug mode only, never while testing, and not where
    ``PROPAGATE_EXCEPTIONS`` was set: then somebody outside wants the error.

    Args:
        app: The app.
        ctx: The context of the request.
        error: The error.
    """
    config = app.config
    if not isinstance(error, Exception):
        return None
    if not app.debug or app.testing or config["PROPAGATE_EXCEPTIONS"] is not None:
        return None
    if ctx.connection_of("websocket") is not None or PRESERVE_CONTEXT in ctx.scope:
        return None
    # PERF: importing it takes as long as a tenth of all; and it replaces `sys.displayhook`.
    from werkzeug.debug.tbtools import DebugTraceback

    app.log_exception((type(error), error, error.__traceback__))
    trace = DebugTraceback(error)
    begin_with_the_app(trace)
    # Werkzeug escapes the error's text (CVE-2016-10516); no console, so no PIN to protect.
    html = trace.render_debugger_html(evalex=False, secret="", evalex_trusted=False)
    return Response(html, status=500)
