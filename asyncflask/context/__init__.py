"""The context of a request, a websocket, or a use of an app outside of both."""

from __future__ import annotations

from .base import NO_ERROR
from .context import Context
from .matching import blueprint_path
from .protocols import ContextApp

__all__ = ["NO_ERROR", "Context", "ContextApp", "blueprint_path"]
