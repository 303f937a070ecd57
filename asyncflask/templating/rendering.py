"""Templates with Jinja as Flask configures it: what a template sees, and how it is rendered.

``render_template()`` is a plain call (design D3), because nothing in it waits for I/O. What is
``async def`` itself (a context processor, a receiver of a signal, a function that a template calls
in an ``enable_async`` environment) needs ``await render_template_async()``. The environment is made
by ``app.create_jinja_environment``; its class is in :mod:`.environment`. All of these functions
call a ``def`` processor or receiver in place, so that it sees the same ``request`` as the caller.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from blinker import NamedSignal

from .._contextvars import current
from ..concurrency.inspection import is_async
from ..exceptions import OutOfContext
from ..resources import LaterModule
from ..signals import before_render_template, template_rendered

if TYPE_CHECKING:
    import jinja2
else:  # For typing.get_type_hints().
    jinja2 = LaterModule("jinja2")

T = TypeVar("T")

TemplateNames: TypeAlias = "str | jinja2.Template | list[str | jinja2.Template]"
Processors = Mapping[str | None, list[Callable[[], Any]]]


class TemplateApp(Protocol):
    """What this module uses of an app."""

    @property
    def jinja_env(self) -> jinja2.Environment: ...

    @property
    def template_context_processors(self) -> Processors: ...

    @property
    def replaced_steps(self) -> frozenset[str]: ...

    def update_template_context(self, context: dict[str, Any]) -> Awaitable[None] | None: ...

    async def update_template_context_async(self, context: dict[str, Any]) -> None: ...

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]: ...


class TemplateContext(Protocol):
    """What this module uses of a context."""

    @property
    def app(self) -> Any: ...

    @property
    def g(self) -> Any: ...

    @property
    def request_context(self) -> Any:
        """The context of the request, if there is one.

        It has ``request``, in the form that the calling thread uses, ``matched_blueprints`` and
        ``keep()``.
        """


def select_jinja_autoescape(filename: str | None) -> bool:
    """Return whether Jinja escapes the values of a template.

    Args:
        filename: The template's name, whose ending decides; ``None`` for a template from a string.

    Returns:
        ``True`` for HTML, XML and SVG, and for templates without a name.

    Source: ``Flask: app.select_jinja_autoescape``.
    """
    return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))


# -- what templates see ----------------------------------------------------------------------------


def _default_template_ctx_processor() -> dict[str, Any]:
    """Return ``g`` and ``request`` themselves, which are faster to read than their proxies.

    The session remains a proxy (a global of the environment), because reading it counts as access.
    """
    ctx: TemplateContext | None = current()
    if ctx is None:
        return {}
    request_context = ctx.request_context
    request = None if request_context is None else request_context.request
    return {"g": ctx.g} if request is None else {"g": ctx.g, "request": request}


def update_template_context(
    app: TemplateApp, ctx: TemplateContext | None, context: dict[str, Any]
) -> None:
    """Add to ``context``, in place, what the context processors return.

    The processors of the app come first, then those of the outer and inner blueprints. Names that
    ``context`` had before are not replaced.

    Args:
        app: The app.
        ctx: The current context.
        context: The template's variables.

    Raises:
        RuntimeError: A processor is ``async def``, and this is the event loop. (A worker thread
            waits for it.)

    Source: ``Flask: app.update_template_context``.
    """
    given = context.copy()
    for processor in _processors(app, ctx):
        if is_async(processor):
            processor = _off_the_loop(app, processor, "context processor")
        elif app.replaced_steps and not _on_loop():
            processor = app.ensure_sync(processor)  # It may be the app's own.
        context.update(processor())
    context.update(given)


async def update_template_context_async(
    app: TemplateApp, ctx: TemplateContext | None, context: dict[str, Any]
) -> None:
    """Like :func:`update_template_context`, awaiting the processors that are ``async def``.

    Args:
        app: The app.
        ctx: The current context.
        context: The template's variables.
    """
    given = context.copy()
    for processor in _processors(app, ctx):
        context.update(await processor() if is_async(processor) else processor())
    context.update(given)


def _processors(app: TemplateApp, ctx: TemplateContext | None) -> Iterator[Callable[[], Any]]:
    registry = app.template_context_processors
    yield from registry.get(None, ())
    if ctx is not None and ctx.request_context is not None:
        for name in reversed(ctx.request_context.matched_blueprints):
            yield from registry.get(name, ())


def _off_the_loop(app: TemplateApp, func: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Return a plain form of an ``async def`` callable, for a thread that may wait for it."""
    if not _on_loop():
        return app.ensure_sync(func)
    raise RuntimeError(
        f"The {what} {getattr(func, '__qualname__', func)!r} is `async def`, and the template was"
        " rendered by a plain call on the event loop, which cannot wait for it.\n\n"
        'Write:      await render_template_async("page.html", ...)\n'
        'instead of: render_template("page.html", ...)\n'
        f"or make the {what} a `def`."
    )


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


# -- rendering -------------------------------------------------------------------------------------


def render_template(template_name_or_list: TemplateNames, **context: Any) -> str:
    """Render a template.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: No context is active, or ``async def`` code has to be awaited on the event
            loop (use :func:`render_template_async`).

    Source: ``Flask: render_template``.
    """
    app = active_app("render_template")
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Render a template that is given as text.

    SECURITY: ``source`` can run code in this process, so a user's text must never be part of it.
    Pass that text in ``context``, where Jinja escapes it.

    Args:
        source: The text of the template.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        RuntimeError: As for :func:`render_template`.

    Source: ``Flask: render_template_string``.
    """
    app = active_app("render_template_string")
    return _render(app, app.jinja_env.from_string(source), context)


async def render_template_async(template_name_or_list: TemplateNames, **context: Any) -> str:
    """Render a template, and await the ``async def`` code that it uses.

    These are context processors, receivers of signals, and functions, filters, tests and properties
    that the template uses.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: No context is active.
    """
    app = active_app("render_template_async")
    template = _async_environment(app).get_or_select_template(template_name_or_list)
    return await _render_async(app, template, context)


async def render_template_string_async(source: str, **context: Any) -> str:
    """Render a template given as text, and await the ``async def`` code that it uses.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        The text.

    Raises:
        RuntimeError: No context is active.
    """
    app = active_app("render_template_string_async")
    return await _render_async(app, _async_environment(app).from_string(source), context)


def stream_template(template_name_or_list: TemplateNames, **context: Any) -> Iterator[str]:
    """Render a template piece by piece, as the body of a response.

    The context of the request is kept until the last piece.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An iterator of the pieces.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: As for :func:`render_template`.

    Source: ``Flask: stream_template``.
    """
    app = active_app("stream_template")
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render a template given as text piece by piece, as the body of a response.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An iterator of the pieces.

    Raises:
        RuntimeError: As for :func:`render_template`.

    Source: ``Flask: stream_template_string``.
    """
    app = active_app("stream_template_string")
    return _stream(app, app.jinja_env.from_string(source), context)


async def stream_template_async(
    template_name_or_list: TemplateNames, **context: Any
) -> AsyncIterator[str]:
    """Render a template piece by piece, and await the ``async def`` code that it uses.

    Args:
        template_name_or_list: The template's name; of several, the first that exists is used.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An asynchronous iterator of the pieces.

    Raises:
        jinja2.TemplateNotFound: The template does not exist.
        RuntimeError: No context is active.
    """
    app = active_app("stream_template_async")
    template = _async_environment(app).get_or_select_template(template_name_or_list)
    return await _stream_async(app, template, context)


async def stream_template_string_async(source: str, **context: Any) -> AsyncIterator[str]:
    """Render a template given as text piece by piece, and await its ``async def`` code.

    Args:
        source: The text of the template; never a user's text, which could run code.
        context: Names for the template, in addition to those of the context processors.

    Returns:
        An asynchronous iterator of the pieces.

    Raises:
        RuntimeError: No context is active.
    """
    app = active_app("stream_template_string_async")
    return await _stream_async(app, _async_environment(app).from_string(source), context)


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or variable of a template, to call it from Python.

    Args:
        template_name: The template.
        attribute: A name that the template defines at its top level.

    Returns:
        The macro or value.

    Raises:
        AttributeError: The template does not define the name.

    Source: ``Flask: get_template_attribute``.
    """
    env = active_app("get_template_attribute").jinja_env
    return getattr(env.get_template(template_name).module, attribute)


def active_app(function: str) -> TemplateApp:
    """Return the app whose templates a function uses.

    Args:
        function: The function's name, for the error.

    Returns:
        The active app.

    Raises:
        RuntimeError: No app is active.
    """
    ctx = current()
    if ctx is None:
        raise OutOfContext(
            f"Working outside of application context: {function}() was called where no app is"
            " active, so there is no template folder to look in.\n\nCall it in a view or hook, or"
            " inside `with app.app_context():`."
        )
    app: TemplateApp = ctx.app
    return app


def _update(app: TemplateApp, context: dict[str, Any]) -> None:
    updating = app.update_template_context(context)  # None, if no subclass made it `async def`
    if updating is not None and inspect.iscoroutine(updating):
        updating.close()
        _off_the_loop(app, app.update_template_context, "step")(context)


def _async_environment(app: TemplateApp) -> jinja2.Environment:
    from .environment import awaiting

    return awaiting(app.jinja_env)


def _render(app: TemplateApp, template: jinja2.Template, context: dict[str, Any]) -> str:
    _refuse_async_environment(template, "render_template")
    _update(app, context)
    _send_signal(app, before_render_template, template, context)
    text = template.render(context)
    _send_signal(app, template_rendered, template, context)
    return text


async def _render_async(
    app: TemplateApp, template: jinja2.Template, context: dict[str, Any]
) -> str:
    await app.update_template_context_async(context)
    await _send_signal_async(app, before_render_template, template, context)
    if template.environment.is_async:
        text = await template.render_async(context)
    else:
        text = template.render(context)
    await _send_signal_async(app, template_rendered, template, context)
    return text


def _stream(app: TemplateApp, template: jinja2.Template, context: dict[str, Any]) -> Iterator[str]:
    _refuse_async_environment(template, "stream_template")
    _update(app, context)
    _send_signal(app, before_render_template, template, context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        _send_signal(app, template_rendered, template, context)

    return _kept(generate())


async def _stream_async(
    app: TemplateApp, template: jinja2.Template, context: dict[str, Any]
) -> AsyncIterator[str]:
    await app.update_template_context_async(context)
    await _send_signal_async(app, before_render_template, template, context)

    async def generate() -> AsyncIterator[str]:
        if template.environment.is_async:
            async for piece in template.generate_async(context):
                yield piece
        else:
            for piece in template.generate(context):
                yield piece
        await _send_signal_async(app, template_rendered, template, context)

    return _kept(generate())


def _kept(pieces: T) -> T:
    """Keep the context of the request, if there is one, until the last piece was taken."""
    ctx = current()
    request_context = None if ctx is None else ctx.request_context
    kept: T = pieces if request_context is None else request_context.keep(pieces)
    return kept


def _refuse_async_environment(template: jinja2.Template, function: str) -> None:
    # Jinja would try to start a second event loop, with an error that names no remedy.
    if template.environment.is_async and _on_loop():
        name = "A template string" if template.name is None else f"The template {template.name!r}"
        raise RuntimeError(
            f"{name} belongs to an environment with enable_async, and"
            f" {function}() cannot wait for what such a template calls on the event loop.\n\n"
            f"Write:      await {function}_async(...)\n"
            f"instead of: {function}(...)\n"
            "or take enable_async out of app.jinja_options."
        )


def _send_signal(
    app: TemplateApp, signal: NamedSignal, template: jinja2.Template, context: dict[str, Any]
) -> None:
    if not signal.receivers:
        return
    for receiver in list(signal.receivers_for(app)):
        func: Callable[..., Any] = receiver
        if is_async(func):
            func = _off_the_loop(app, func, f"receiver of the signal {signal.name}")
        func(app, template=template, context=context)


async def _send_signal_async(
    app: TemplateApp, signal: NamedSignal, template: jinja2.Template, context: dict[str, Any]
) -> None:
    if not signal.receivers:
        return
    for receiver in list(signal.receivers_for(app)):
        func: Callable[..., Any] = receiver
        answer = func(app, template=template, context=context)
        if is_async(func):
            awaited: Awaitable[Any] = answer
            await awaited
