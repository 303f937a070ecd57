"""The proxies of Flask: ``current_app``, ``g``, ``request``, ``session``, and the contexts."""

from __future__ import annotations

from typing import Any

from .._current import current
from ..globals import app_ctx, current_app, g, request, request_ctx, session

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]


class _Slot:
    """What stands for Flask's two context variables. COMPAT: extensions ask them with ``get``."""

    def __init__(self, name: str, request: bool) -> None:
        self.name = name
        self._request = request

    def get(self, *default: Any) -> Any:
        """Return the current context, or ``default``.

        Raises:
            LookupError: There is none, and no default was given.
        """
        ctx = current()
        if ctx is not None and self._request:
            ctx = ctx.carrier
        if ctx is not None:
            return ctx
        if default:
            return default[0]
        raise LookupError(self)


_cv_app = _Slot("flask.app_ctx", request=False)
_cv_request = _Slot("flask.request_ctx", request=True)
