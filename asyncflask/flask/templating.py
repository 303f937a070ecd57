"""Templates. (Flask: flask.templating.)"""

from __future__ import annotations

from ..templating import (
    DispatchingJinjaLoader,
    Environment,
    _default_template_ctx_processor,
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "_default_template_ctx_processor",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]
