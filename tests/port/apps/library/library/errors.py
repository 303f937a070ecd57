"""Errors as JSON or text."""

from flask import jsonify, request

from .reading import wants_json
from .store import NotThere


def not_there(error):
    if wants_json():
        return jsonify(error=str(error)), 404
    return f"There is no {error}.", 404


def unprocessable(error):
    """Name the fields that were sent."""
    fields = sorted(request.form)
    return jsonify(error=error.description, fields=fields), 422


def init_app(app):
    app.register_error_handler(NotThere, not_there)
    app.register_error_handler(422, unprocessable)

    @app.errorhandler(403)
    def forbidden(error):
        return "Only for librarians.", 403
