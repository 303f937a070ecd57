"""The traceback page of an error."""

from __future__ import annotations

from ..debug.frames import begin_with_the_app
from .wrappers import Response

#: kept for those who import it: the page is Werkzeug's
TEMPLATE = "{{ error }}"


async def traceback_response(error: Exception) -> Response:
    """Return a page that shows an error with its traceback.

    Args:
        error: The error.

    Source: ``Quart: debug.traceback_response``.
    """
    return traceback_page(error)


def traceback_page(error: Exception) -> Response:
    """Return the same, without ``await``.

    Args:
        error: The error.
    """
    # Imported late, because it replaces `sys.displayhook`.
    from werkzeug.debug.tbtools import DebugTraceback

    trace = DebugTraceback(error)
    begin_with_the_app(trace)
    html = trace.render_debugger_html(evalex=False, secret="", evalex_trusted=False)
    return Response(html, status=500)
