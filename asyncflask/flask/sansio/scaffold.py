"""What apps and blueprints have in common. (Flask: flask.sansio.scaffold.)"""

from __future__ import annotations

from ...resources import find_package
from ...scaffold import Scaffold, setupmethod

__all__ = ["Scaffold", "find_package", "setupmethod"]
