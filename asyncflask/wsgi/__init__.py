"""WSGI on ASGI: the environ, ``wsgi.input``, WSGI applications and mounted applications."""

from __future__ import annotations

from .adapter import PARENT, SPELLING, Host, Served, serve_wsgi
from .environ import EXTRA_KEYS
from .mount import Mount

__all__ = ["EXTRA_KEYS", "PARENT", "SPELLING", "Host", "Mount", "Served", "serve_wsgi"]
