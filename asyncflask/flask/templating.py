"""Templates. (Flask: flask.templating.)"""

from __future__ import annotations

from jinja2 import BaseLoader as BaseLoader
from jinja2 import Template as Template
from jinja2 import TemplateNotFound as TemplateNotFound

from ..templating import (
    DispatchingJinjaLoader,
    Environment,
    _default_template_ctx_processor,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import request as request
from .helpers import stream_with_context as stream_with_context
from .signals import before_render_template as before_render_template
from .signals import template_rendered as template_rendered

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "_default_template_ctx_processor",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]
