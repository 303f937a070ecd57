"""The app's logger. (Flask: flask.logging.)"""

from __future__ import annotations

from ..logging import (
    create_logger,
    default_handler,
    has_level_handler,
    wsgi_errors_stream,
)

__all__ = [
    "create_logger",
    "default_handler",
    "has_level_handler",
    "wsgi_errors_stream",
]
