"""The attributes of Werkzeug's maps and rules that have no public name, in one place.

:class:`.Rule` overrides a method of Werkzeug's that has none either.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.routing.matcher import State


def root_of(url_map: Map) -> State:
    """Return the root of a map's state machine.

    Args:
        url_map: The map, whose rules are sorted (``update()``).
    """
    return url_map._matcher._root


def converters_of(rule: Rule) -> Mapping[str, BaseConverter]:
    """Return the converters of a rule's variables, by name.

    Args:
        rule: A rule that is bound to a map.
    """
    return rule._converters
