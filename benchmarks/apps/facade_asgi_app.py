"""asyncflask.flask through ASGI: the same apps, entered as an ASGI server enters them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .facade_app import APPS as WSGI_APPS


def _through_asgi(make: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: make().asgi_app


APPS = {name: _through_asgi(make) for name, make in WSGI_APPS.items()}
