"""Configuration. (Flask: flask.config.)"""

from __future__ import annotations

from werkzeug.utils import import_string as import_string

from ..config.config import Config, ConfigAttribute, T

__all__ = [
    "Config",
    "ConfigAttribute",
    "T",
]
