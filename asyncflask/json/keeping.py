"""When what a JSON provider keeps between two calls has to be made anew.

An encoder costs more to make than most values cost to write, so providers keep theirs. Settings may
be assigned at any time, on a provider or on its class, and are obeyed at once.
"""

from __future__ import annotations

import inspect

#: what the encoders of a provider depend on
SETTINGS = frozenset(
    {"compact", "default", "dumps", "ensure_ascii", "mimetype", "response", "sort_keys"}
)

#: Changes with each setting that is assigned on a class; what was kept before is out of date.
epoch = object()


def begin_anew() -> None:
    """Make obsolete what all providers keep."""
    global epoch
    epoch = object()


def can_be_kept(cls: type) -> bool:
    """Tell whether the settings of a provider class stay as they are until they are assigned."""
    return not any(isinstance(inspect.getattr_static(cls, name), property) for name in SETTINGS)
