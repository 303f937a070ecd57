"""WSGI on ASGI: the environ, ``wsgi.input``, WSGI applications and mounted applications."""

from __future__ import annotations

from .adapter import AROUND, SPELLING, Host, Served, serve_wsgi
from .environ import EXTRA_KEYS
from .mount import Mount

__all__ = ["AROUND", "EXTRA_KEYS", "SPELLING", "Host", "Mount", "Served", "serve_wsgi"]
