"""Error pages: HTML for people, JSON below ``/api/``."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from asyncflask import (
    Flask,
    current_app,
    has_websocket_context,
    jsonify,
    render_template,
    request,
)


async def show_error(error: HTTPException) -> Any:
    """Answer 403, 404, 405 …, and 500 for any error that a view did not catch."""
    if has_websocket_context():
        return error  # A websocket client shows no page.
    if isinstance(error, RequestEntityTooLarge):
        limit = current_app.config["MAX_CONTENT_LENGTH"] // 1024
        error.description = f"That was too much: at most {limit} KB are taken."
    if request.path.startswith("/api/"):
        answer = jsonify(error=error.name, description=error.description)
    else:
        answer = current_app.make_response(render_template("error.html", error=error))
    answer.status_code = error.code or 500
    # The error's own headers: Allow with 405, WWW-Authenticate with 401.
    for name, value in error.get_headers():
        if name != "Content-Type":
            answer.headers[name] = value
    return answer


def init_app(app: Flask) -> None:
    """Show every HTTP error in this way."""
    app.register_error_handler(HTTPException, show_error)
