"""Templates. (Flask: flask.templating.)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import BaseLoader as BaseLoader
from jinja2 import Environment as _JinjaEnvironment
from jinja2 import Template as Template
from jinja2 import TemplateNotFound as TemplateNotFound

from ..templating import DispatchingJinjaLoader, Environment, _default_template_ctx_processor
from ..templating.rendering import _render as _render
from ..templating.rendering import _stream as _stream
from ..templating.rendering import active_app
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

# COMPAT: the name under which Flask's module has Jinja's class.
BaseEnvironment = _JinjaEnvironment

# COMPAT: ddtrace replaces `_render` of this module, so that the functions below look it up here.


def render_template(
    template_name_or_list: str | Template | list[str | Template], **context: Any
) -> str:
    """Render a template: :func:`asyncflask.render_template`.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: No context is active.
    """
    app = active_app("render_template")
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Render a template that is given as text: :func:`asyncflask.render_template_string`.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        RuntimeError: No context is active.
    """
    app = active_app("render_template_string")
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(
    template_name_or_list: str | Template | list[str | Template], **context: Any
) -> Iterator[str]:
    """Render a template piece by piece: :func:`asyncflask.stream_template`.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An iterator of the pieces.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: No context is active.
    """
    app = active_app("stream_template")
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template given as text piece by piece: :func:`asyncflask.stream_template_string`.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An iterator of the pieces.

    Raises:
        RuntimeError: No context is active.
    """
    app = active_app("stream_template_string")
    return _stream(app, app.jinja_env.from_string(source), context)
