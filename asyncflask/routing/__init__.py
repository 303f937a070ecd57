"""Rules and the map they live in: Werkzeug's meaning, a quicker way to the answer.

The two classes an app names (`url_rule_class`, `url_map_class`) are handed on, and `asks_werkzeug`,
which tells whether a map has to be asked in Werkzeug's way. Converters and rule factories are
Werkzeug's own and are imported from `werkzeug.routing`, as in a Flask app.
"""

from __future__ import annotations

from .map import Map, asks_werkzeug
from .rule import Rule

__all__ = ["Map", "Rule", "asks_werkzeug"]
