"""JSON with the current app's provider. (Flask: flask.json.)"""

from __future__ import annotations

from ...json import (
    dump,
    dumps,
    jsonify,
    load,
    loads,
)

__all__ = [
    "dump",
    "dumps",
    "jsonify",
    "load",
    "loads",
]
