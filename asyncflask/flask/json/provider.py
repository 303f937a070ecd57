"""JSON providers. (Flask: flask.json.provider.)"""

from __future__ import annotations

from werkzeug.http import http_date as http_date

from ...json.provider import (
    DefaultJSONProvider,
    JSONProvider,
)
from ...json.provider import (
    default as _json_default,
)

__all__ = [
    "DefaultJSONProvider",
    "JSONProvider",
]

# COMPAT: the name under which Flask has it, and apps with their own `default` import it.
_default = _json_default
