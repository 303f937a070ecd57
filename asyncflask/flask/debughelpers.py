"""Explanations in debug mode. (Flask: flask.debughelpers.)"""

from __future__ import annotations

from jinja2.loaders import BaseLoader as BaseLoader
from werkzeug.routing import RequestRedirect as RequestRedirect

from ..debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
)
from ..templating.loading import explain_template_loading_attempts
from .blueprints import Blueprint as Blueprint
from .globals import request_ctx as request_ctx
from .sansio.app import App as App

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]
