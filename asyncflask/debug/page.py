"""The traceback page that debug mode answers an unhandled error with. Not interactive.

Werkzeug renders it; its console and PIN are not offered here.
"""

from __future__ import annotations

from typing import Any

from werkzeug.debug.tbtools import DebugTraceback

from ..wrappers.response import Response


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
    if ctx.websocket is not None:
        return None
    app.log_exception((type(error), error, error.__traceback__))
    trace = DebugTraceback(error)
    # Werkzeug escapes the error's text (CVE-2016-10516); no console, so no PIN to protect.
    html = trace.render_debugger_html(evalex=False, secret="", evalex_trusted=False)
    return Response(html, status=500)
