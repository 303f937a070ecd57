"""JSON with the current app's provider. (Flask: flask.json.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ...json import dump, dumps, load, loads
from ...json import jsonify as _jsonify
from ..globals import current_app as current_app
from . import provider as provider
from . import tag as tag
from .provider import _default as _default

if TYPE_CHECKING:
    from ..wrappers import Response

#: The async API's function, which makes the app's response class: here the facade's.
jsonify = cast("Callable[..., Response]", _jsonify)

__all__ = [
    "dump",
    "dumps",
    "jsonify",
    "load",
    "loads",
]
