"""Blueprints, under Flask's name; what they are is in ``sansio/``."""

from __future__ import annotations

from .sansio.blueprints import Blueprint as Blueprint
from .sansio.blueprints import BlueprintSetupState as BlueprintSetupState

__all__ = ["Blueprint", "BlueprintSetupState"]
