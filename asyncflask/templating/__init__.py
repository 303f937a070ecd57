"""Templates: Jinja as Flask configures it, and the functions that render. (Flask: templating.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .rendering import _default_template_ctx_processor as _default_template_ctx_processor
from .rendering import get_template_attribute as get_template_attribute
from .rendering import render_template as render_template
from .rendering import render_template_async as render_template_async
from .rendering import render_template_string as render_template_string
from .rendering import render_template_string_async as render_template_string_async
from .rendering import select_jinja_autoescape as select_jinja_autoescape
from .rendering import stream_template as stream_template
from .rendering import stream_template_async as stream_template_async
from .rendering import stream_template_string as stream_template_string
from .rendering import stream_template_string_async as stream_template_string_async
from .rendering import update_template_context as update_template_context
from .rendering import update_template_context_async as update_template_context_async

if TYPE_CHECKING:
    from .environment import DispatchingJinjaLoader as DispatchingJinjaLoader
    from .environment import Environment as Environment


def __getattr__(name: str) -> Any:
    if name not in {"DispatchingJinjaLoader", "Environment"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import environment

    return getattr(environment, name)
