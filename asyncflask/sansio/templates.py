"""The templates of an app: its Jinja environment, and what templates see.

How a template is rendered is in ``templating/``.
"""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Iterable

from werkzeug.local import LocalProxy
from werkzeug.utils import cached_property

from .. import resources
from .. import typing as ft
from .._contextvars import current
from ..exceptions import OutOfContext, outside
from ..helpers import get_flashed_messages
from ..json.provider import JSONProvider
from ..templating import (
    select_jinja_autoescape,
    update_template_context,
    update_template_context_async,
)
from ..templating.rendering import TemplateApp
from .configuration import Configuration
from .scaffold import Scaffold
from .setupmethod import (
    T_template_filter,
    T_template_global,
    T_template_test,
    name_decorator,
    setupmethod,
)

if t.TYPE_CHECKING:
    import jinja2

    from ..templating import environment as jinja
else:  # For typing.get_type_hints().
    jinja, jinja2 = map(resources.LaterModule, ("asyncflask.templating.environment", "jinja2"))


def _template_proxy(name: str, kind: str) -> LocalProxy[t.Any]:
    """Make the proxy of an attribute of the current context; false where there is none."""

    def find() -> object:
        ctx = current()
        found = None if ctx is None else getattr(ctx, name)
        if found is None and name == "request" and ctx is not None and ctx.has_request:
            raise OutOfContext(
                "Working outside of request context: `request` was used in a template, and this is"
                " a websocket. Pass what the template needs, such as `path=websocket.path`, or"
                " write `{% if request %}` around it."
            )
        if found is None:
            raise outside(name, kind)
        return found

    return LocalProxy(find)


#: What templates see even when they are imported without a context. The typed proxies for Python
#: code are in ``globals.py``, above this file.
_TEMPLATE_PROXIES = {
    "g": _template_proxy("g", "application"),
    "request": _template_proxy("request", "request"),
    "session": _template_proxy("session", "request"),
}


class Templates(Configuration):
    """The environment of templates, and the decorators that add to it."""

    jinja_environment: type[jinja.Environment] = resources.later(
        "asyncflask.templating.environment", "Environment"
    )

    jinja_options: dict[str, t.Any] = {}
    json: JSONProvider
    # Methods of other parts of the app, which the environment uses.
    url_for: Callable[..., str]
    iter_blueprints: Callable[[], Iterable[Scaffold]]

    #: ``g``, ``request`` and ``session`` of templates; each API has its own
    _template_proxies: t.ClassVar[t.Mapping[str, t.Any]] = _TEMPLATE_PROXIES

    @cached_property
    def jinja_env(self) -> jinja.Environment:
        """The Jinja environment, created at the first access."""
        from ..templating.environment import with_checks

        return t.cast("jinja.Environment", with_checks(self.create_jinja_environment()))

    def create_jinja_environment(self) -> jinja.Environment:
        """Return a new Jinja environment, from ``jinja_options`` and the configuration."""
        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            auto_reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if auto_reload is None else auto_reload
        env = self.jinja_environment(self, **options)
        env.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            **self._template_proxies,
        )
        env.policies["json.dumps_function"] = self.json.dumps
        return env

    def create_global_jinja_loader(self) -> jinja2.BaseLoader:
        """Return a loader that searches the app's folder, then those of the blueprints."""
        from ..templating.environment import DispatchingJinjaLoader

        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Return whether Jinja escapes the values of a template.

        Args:
            filename: The template's name, whose ending decides; ``None`` for a template from a
                string.

        Returns:
            ``True`` for HTML, XML and SVG, and for templates without a name.
        """
        return select_jinja_autoescape(filename)

    @setupmethod
    def template_filter(
        self, name: str | None = None
    ) -> Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a Jinja filter.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_template_filter, name)

    @setupmethod
    def add_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        """Register a function as a Jinja filter.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(
        self, name: str | None = None
    ) -> Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a Jinja test.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_template_test, name)

    @setupmethod
    def add_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a function as a Jinja test.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(
        self, name: str | None = None
    ) -> Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a Jinja global.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return name_decorator(self.add_template_global, name)

    @setupmethod
    def add_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        """Register a function as a Jinja global.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.jinja_env.globals[name or f.__name__] = f

    def update_template_context(
        self: TemplateApp, context: dict[str, t.Any]
    ) -> t.Awaitable[None] | None:
        """Add the names of the context processors to a template's context.

        Args:
            context: The template's context; its own names take precedence.

        Raises:
            RuntimeError: A context processor is ``async def``; only ``render_template_async`` and
                the other functions with ``_async`` can await it.
        """
        update_template_context(self, current(), context)
        return None

    async def update_template_context_async(self: TemplateApp, context: dict[str, t.Any]) -> None:
        """Add the names of the context processors to a template's context; await coroutines.

        An overridden :meth:`update_template_context` is called instead, and its result awaited if
        it is awaitable.

        Args:
            context: The template's context; its own names take precedence.
        """
        update = self.update_template_context
        if getattr(update, "__func__", None) is Templates.update_template_context:
            await update_template_context_async(self, current(), context)
            return
        updating: t.Any = update(context)
        if inspect.isawaitable(updating):
            await updating
