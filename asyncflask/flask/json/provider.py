"""JSON providers. (Flask: flask.json.provider.)"""

from __future__ import annotations

from werkzeug.http import http_date as http_date

from ...json.provider import (
    DefaultJSONProvider,
    JSONProvider,
)

__all__ = [
    "DefaultJSONProvider",
    "JSONProvider",
]
