"""JSON providers. (Flask: flask.json.provider.)"""

from __future__ import annotations

from ...json.provider import (
    DefaultJSONProvider,
    JSONProvider,
)

__all__ = [
    "DefaultJSONProvider",
    "JSONProvider",
]
