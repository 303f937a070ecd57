"""What apps and blueprints have in common. (Flask: flask.sansio.scaffold.)

The type variables of all of Flask's decorators are here; its other modules re-export some of them.
"""

from __future__ import annotations

from jinja2 import BaseLoader as BaseLoader
from jinja2 import FileSystemLoader as FileSystemLoader
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.utils import cached_property as cached_property

from ...resources import find_package
from ...sansio.scaffold import Scaffold
from ...sansio.setupmethod import (
    F,
    T_after_request,
    T_before_request,
    T_error_handler,
    T_route,
    T_shell_context_processor,
    T_teardown,
    T_template_context_processor,
    T_template_filter,
    T_template_global,
    T_template_test,
    T_url_defaults,
    T_url_value_preprocessor,
    setupmethod,
)
from ...sansio.setupmethod import endpoint_of as _endpoint_from_view_func
from ..helpers import get_root_path as get_root_path

__all__ = [
    "F",
    "Scaffold",
    "T_after_request",
    "T_before_request",
    "T_error_handler",
    "T_route",
    "T_shell_context_processor",
    "T_teardown",
    "T_template_context_processor",
    "T_template_filter",
    "T_template_global",
    "T_template_test",
    "T_url_defaults",
    "T_url_value_preprocessor",
    "_endpoint_from_view_func",
    "find_package",
    "setupmethod",
]
