"""What apps and blueprints have in common. (Flask: flask.sansio.scaffold.)

The type variables of all of Flask's decorators stand here; its other modules hand some of them on.
"""

from __future__ import annotations

from typing import TypeVar

from jinja2 import BaseLoader as BaseLoader
from jinja2 import FileSystemLoader as FileSystemLoader
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.utils import cached_property as cached_property

from ... import typing as ft
from ...resources import find_package
from ...sansio.scaffold import F, Scaffold, setupmethod
from ...sansio.scaffold import endpoint_of as _endpoint_from_view_func
from ..helpers import get_root_path as get_root_path

T_after_request = TypeVar("T_after_request", bound=ft.AfterRequestCallable)
T_before_request = TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_handler = TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_route = TypeVar("T_route", bound=ft.RouteCallable)
T_shell_context_processor = TypeVar(
    "T_shell_context_processor", bound=ft.ShellContextProcessorCallable
)
T_teardown = TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_template_filter = TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = TypeVar("T_template_test", bound=ft.TemplateTestCallable)
T_url_defaults = TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = TypeVar(
    "T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable
)

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
