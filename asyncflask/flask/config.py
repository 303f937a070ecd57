"""Configuration. (Flask: flask.config.)"""

from __future__ import annotations

from ..config import (
    Config,
    ConfigAttribute,
    T,
)

__all__ = [
    "Config",
    "ConfigAttribute",
    "T",
]
