"""Jinja2's classes as the app uses them: the environment, the loader, the template.

This module imports Jinja2, so it is imported late: for the first template, or when
``app.jinja_env`` is read. The functions that render are in :mod:`.rendering`.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from logging import Logger
from typing import Any, Protocol

import jinja2
from jinja2 import BaseLoader, BytecodeCache, TemplateNotFound
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator
from jinja2.filters import FILTERS
from jinja2.runtime import Context

from .checked_code import CODE_MARK, CheckedCodeGenerator
from .checked_filters import CHECKED_FILTERS
from .loading import Attempt, Source, explain_template_loading_attempts


class TemplateOwner(Protocol):
    """What the loader uses of an app or blueprint."""

    import_name: str

    @property
    def name(self) -> str: ...

    @property
    def jinja_loader(self) -> BaseLoader | None: ...


class LoadingApp(TemplateOwner, Protocol):
    """What environment and loader use of an app."""

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def logger(self) -> Logger: ...

    def create_global_jinja_loader(self) -> BaseLoader: ...

    def iter_blueprints(self) -> Iterable[TemplateOwner]: ...


# -- template --------------------------------------------------------------------------------------


class Template(jinja2.Template):
    """A template whose context is made faster; it renders what Jinja's class renders."""

    def new_context(
        self,
        vars: dict[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        """Make the context of a rendering, see :meth:`jinja2.Template.new_context`.

        Args:
            vars: The template's variables.
            shared: Whether ``vars`` has the globals too.
            locals: Local variables.
        """
        found = self.globals
        if shared or type(found) is not ChainMap:
            return super().new_context(vars, shared, locals)
        # PERF: Jinja reads the globals one by one from a ChainMap, which is written in Python; here
        # its dictionaries are merged, which saves 7 % of a request with a small template.
        known: dict[str, Any] = {}
        for names in reversed(found.maps):
            known.update(names)
        return super().new_context(dict(known, **(vars or {})), True, locals)


class Environment(jinja2.Environment):
    """A Jinja environment that finds templates in the app's and its blueprints' folders.

    Args:
        app: The app.
        options: For :class:`jinja2.Environment`.

    Source: ``Flask: templating.Environment``.
    """

    template_class = Template
    code_generator_class: type[CodeGenerator] = CheckedCodeGenerator

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = [vars(base).get("code_generator_class") for base in cls.__mro__]
        other = next((found for found in inherited if found is not None), CheckedCodeGenerator)
        if other is CheckedCodeGenerator:
            # `class Native(Environment, NativeEnvironment)` needs Jinja's generator as well.
            others = (found for found in inherited if found not in (None, CheckedCodeGenerator))
            other = next(others, CheckedCodeGenerator)
        if not issubclass(other, CheckedCodeGenerator):
            bases = (CheckedCodeGenerator, other)
            cls.code_generator_class = type(f"Checked{other.__name__}", bases, {})

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "bytecode_cache":
            value = _marked(value)
        super().__setattr__(name, value)

    def __init__(self, app: LoadingApp, **options: Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app
        self.filters.update(CHECKED_FILTERS)


class MarkedCache(BytecodeCache):
    """A cache of compiled templates whose keys differ from those of plain Jinja.

    SECURITY: a template that real Flask compiled into the same folder does not check coroutines.

    Args:
        cache: The cache itself.
    """

    def __init__(self, cache: BytecodeCache) -> None:
        self._cache = cache

    def get_bucket(
        self, environment: jinja2.Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """Return a template's bucket, see :meth:`jinja2.BytecodeCache.get_bucket`.

        Args:
            environment: The environment.
            name: The template's name.
            filename: Its file, if there is one.
            source: Its text.
        """
        return self._cache.get_bucket(environment, f"{name}|{CODE_MARK}", filename, source)

    def set_bucket(self, bucket: Bucket) -> None:
        """Store compiled code.

        Args:
            bucket: Where it is.
        """
        self._cache.set_bucket(bucket)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load compiled code.

        Args:
            bucket: Where it is put.
        """
        self._cache.load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write compiled code.

        Args:
            bucket: Where it is.
        """
        self._cache.dump_bytecode(bucket)

    def clear(self) -> None:
        """Remove all entries."""
        self._cache.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)


def _marked(cache: BytecodeCache | None) -> BytecodeCache | None:
    return cache if cache is None or isinstance(cache, MarkedCache) else MarkedCache(cache)


def with_checks(environment: jinja2.Environment) -> jinja2.Environment:
    """Make an environment of any class check the values in its templates.

    Args:
        environment: The result of ``app.create_jinja_environment()``.

    Returns:
        The same environment.
    """
    generator = environment.code_generator_class
    if not issubclass(generator, CheckedCodeGenerator):
        bases = (CheckedCodeGenerator, generator)
        environment.code_generator_class = type(f"Checked{generator.__name__}", bases, {})
        environment.bytecode_cache = _marked(environment.bytecode_cache)
        for name, checked in CHECKED_FILTERS.items():
            if environment.filters.get(name) is FILTERS[name]:
                environment.filters[name] = checked
    return environment


def awaiting(environment: jinja2.Environment) -> jinja2.Environment:
    """Return an environment that has the same templates and awaits the values in them.

    It is made once, and again when an option of the environment or its extensions have changed.

    Args:
        environment: The app's. One with ``enable_async`` is returned itself.
    """
    if environment.is_async:
        return environment
    state = {**vars(environment), "extensions": dict(environment.extensions)}
    known = state.pop("_awaiting", None)
    if known is not None and known[0] == state:
        twin: jinja2.Environment = known[1]
        return twin
    # The cache of compiled code is not shared: its keys do not tell the two environments apart.
    twin = environment.overlay(enable_async=True, bytecode_cache=None)
    vars(environment)["_awaiting"] = state, twin
    return twin


# -- loader ---------------------------------------------------------------------------------------


class DispatchingJinjaLoader(BaseLoader):
    """Looks for templates in the app's folder first, then in each blueprint's.

    Args:
        app: The app.

    Source: ``Flask: templating.DispatchingJinjaLoader``.
    """

    def __init__(self, app: LoadingApp) -> None:
        self.app = app

    def get_source(self, environment: jinja2.Environment, template: str) -> Source:
        """Return the source of a template, its file name, and whether it is up to date.

        With ``EXPLAIN_TEMPLATE_LOADING`` all folders are searched and the log says what was found.

        Args:
            environment: The environment.
            template: The template's name.

        Raises:
            TemplateNotFound: There is none.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            found = self._explained(environment, template)
        else:
            sources = self._sources(environment, template)
            found = next((source for _, _, source in sources if source is not None), None)
        if found is None:
            raise TemplateNotFound(template)
        return found

    def _explained(self, environment: jinja2.Environment, template: str) -> Source | None:
        attempts = list(self._sources(environment, template))
        explain_template_loading_attempts(self.app, template, attempts)
        return next((source for _, _, source in attempts if source is not None), None)

    def _sources(self, environment: jinja2.Environment, template: str) -> Iterator[Attempt]:
        for owner, loader in self._iter_loaders(template):
            try:
                yield loader, owner, loader.get_source(environment, template)
            except TemplateNotFound:
                yield loader, owner, None

    def _iter_loaders(self, template: str) -> Iterator[tuple[TemplateOwner, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates."""
        loaders = (loader for _, loader in self._iter_loaders(""))
        return list({name for loader in loaders for name in loader.list_templates()})
