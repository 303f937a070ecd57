"""Flask's app without I/O, the part that both faces share. (Flask: flask.sansio.app.)"""

from __future__ import annotations

from ...base import App
from .scaffold import (
    T_shell_context_processor,
    T_teardown,
    T_template_filter,
    T_template_global,
    T_template_test,
)

__all__ = [
    "App",
    "T_shell_context_processor",
    "T_teardown",
    "T_template_filter",
    "T_template_global",
    "T_template_test",
]
