"""Templates, which are rendered with ``await``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jinja2 import Template

from ..templating.environment import DispatchingJinjaLoader as DispatchingJinjaLoader
from ..templating.environment import Environment as AsyncAPIEnvironment
from ..templating.rendering import (
    render_template_async,
    render_template_string_async,
    stream_template_async,
    stream_template_string_async,
)

TemplateNames = str | Template | list[str | Template]


class Environment(AsyncAPIEnvironment):
    """A Jinja environment that awaits what templates call.

    Args:
        app: The app.
        options: For :class:`jinja2.Environment`.

    Source: ``Quart: templating.Environment``.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        options.setdefault("enable_async", True)
        super().__init__(app, **options)


async def render_template(template_name_or_list: TemplateNames, **context: Any) -> str:
    """Render a template.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template.

    Returns:
        The text.

    Source: ``Quart: render_template``.
    """
    return await render_template_async(template_name_or_list, **context)


async def render_template_string(source: str, **context: Any) -> str:
    """Render a template that is given as text.

    SECURITY: ``source`` can run code in this process, so a user's text must never be part of it.

    Args:
        source: The text of the template.
        context: Names for the template.

    Returns:
        The text.

    Source: ``Quart: render_template_string``.
    """
    return await render_template_string_async(source, **context)


async def stream_template(
    template_name_or_list: TemplateNames, **context: Any
) -> AsyncIterator[str]:
    """Render a template piece by piece, as the body of a response.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template.

    Returns:
        The pieces.

    Source: ``Quart: stream_template``.
    """
    return await stream_template_async(template_name_or_list, **context)


async def stream_template_string(source: str, **context: Any) -> AsyncIterator[str]:
    """Render a template given as text piece by piece, as the body of a response.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template.

    Returns:
        The pieces.

    Source: ``Quart: stream_template_string``.
    """
    return await stream_template_string_async(source, **context)
