"""Flask's blueprint without I/O. (Flask: flask.sansio.blueprints.)"""

from __future__ import annotations

from ...sansio.blueprint_setup import BlueprintSetupState, DeferredSetupFunction
from ...sansio.blueprints import Blueprint
from .scaffold import Scaffold as Scaffold
from .scaffold import (
    T_after_request,
    T_before_request,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_template_filter,
    T_template_global,
    T_template_test,
    T_url_defaults,
    T_url_value_preprocessor,
)
from .scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from .scaffold import setupmethod as setupmethod

__all__ = [
    "Blueprint",
    "BlueprintSetupState",
    "DeferredSetupFunction",
    "T_after_request",
    "T_before_request",
    "T_error_handler",
    "T_teardown",
    "T_template_context_processor",
    "T_template_filter",
    "T_template_global",
    "T_template_test",
    "T_url_defaults",
    "T_url_value_preprocessor",
]
