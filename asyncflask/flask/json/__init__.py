"""JSON with the current app's provider. (Flask: flask.json.)"""

from __future__ import annotations

from ...json import (
    dump,
    dumps,
    jsonify,
    load,
    loads,
)
from ..globals import current_app as current_app
from . import provider as provider
from . import tag as tag

__all__ = [
    "dump",
    "dumps",
    "jsonify",
    "load",
    "loads",
]
