"""Class-based views. (Flask: flask.views.)"""

from __future__ import annotations

from ..scaffold import F
from ..views import (
    MethodView,
    View,
    http_method_funcs,
)
from .globals import current_app as current_app
from .globals import request as request

__all__ = [
    "F",
    "MethodView",
    "View",
    "http_method_funcs",
]
