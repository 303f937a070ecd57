"""The app's logger. (Flask: flask.logging.)"""

from __future__ import annotations

from werkzeug.local import LocalProxy as LocalProxy

from ..logging import (
    create_logger,
    default_handler,
    has_level_handler,
    wsgi_errors_stream,
)
from .globals import request as request

__all__ = [
    "create_logger",
    "default_handler",
    "has_level_handler",
    "wsgi_errors_stream",
]
