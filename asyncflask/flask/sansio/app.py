"""Flask's app without I/O. Here the two are one class. (Flask: flask.sansio.app.)"""

from __future__ import annotations

from ...base import App

__all__ = ["App"]
