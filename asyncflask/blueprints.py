"""Blueprints, under Flask's name; what they are is in ``sansio/``."""

from __future__ import annotations

from .sansio.blueprint_setup import BlueprintSetupState as BlueprintSetupState
from .sansio.blueprints import Blueprint as Blueprint

__all__ = ["Blueprint", "BlueprintSetupState"]
