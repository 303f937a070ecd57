"""URL rules and their map: Werkzeug's behaviour with a faster match.

`Rule` and `Map` are the classes of `Flask.url_rule_class` and `Flask.url_map_class`;
`asks_werkzeug` says whether a map must be matched by Werkzeug's own methods. Converters and rule
factories are Werkzeug's and are imported from `werkzeug.routing`, as in a Flask app.
"""

from __future__ import annotations

from .map import Map, asks_werkzeug
from .rule import Rule

__all__ = ["Map", "Rule", "asks_werkzeug"]
