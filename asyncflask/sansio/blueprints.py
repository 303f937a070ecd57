"""Blueprints: recorded registrations, played back on an app.

A blueprint knows no app until it is registered; each of its methods records what to do then. Names
and meaning are Flask's, nesting and repeated registration under other names included. What an app
offers to a blueprint is written down in :class:`Registrar`.
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Callable
from functools import update_wrapper

from .. import typing as ft
from ..exceptions import SetupFinished
from ..wrappers import Response
from .scaffold import (
    F,
    Scaffold,
    T_after_request,
    T_after_websocket,
    T_before_request,
    T_before_serving,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_template_filter,
    T_template_global,
    T_template_test,
    T_url_defaults,
    T_url_value_preprocessor,
    T_while_serving,
    endpoint_of,
    functions_of,
    setupmethod,
)

if t.TYPE_CHECKING:
    from .app import App

DeferredSetupFunction = Callable[["BlueprintSetupState"], object]

#: registries of a blueprint that are merged into the app's, under the blueprint's full name
_HOOKS = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "before_websocket_funcs",
    "after_websocket_funcs",
    "teardown_websocket_funcs",
    "url_default_functions",
    "url_value_preprocessors",
    "template_context_processors",
)


class Registrar(t.Protocol):
    """What a blueprint asks of the app it is registered on."""

    name: str
    blueprints: dict[str, t.Any]
    view_functions: dict[str, t.Any]
    error_handler_spec: t.Any

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None: ...


class BlueprintSetupState:
    """What is known while a blueprint is registered on an app; handed to recorded functions.

    Source: ``Flask: blueprints.BlueprintSetupState``.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        app: App,
        options: dict[str, t.Any],
        first_registration: bool,
    ) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        self.subdomain = _given(options.get("subdomain"), blueprint.subdomain)
        self.url_prefix = _given(options.get("url_prefix"), blueprint.url_prefix)
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        self.url_defaults = dict(blueprint.url_values_defaults)
        self.url_defaults.update(options.get("url_defaults") or ())

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule on the app, under the blueprint's prefix, subdomain and name.

        Args:
            rule: URL rule, relative to the prefix.
            endpoint: Name of the view, without the blueprint's; by default the function's name.
            view_func: The view.
            options: As for ``app.add_url_rule``.
        """
        if self.url_prefix is not None:
            rule = _join(self.url_prefix, rule)
        options.setdefault("subdomain", self.subdomain)
        endpoint = endpoint_of(view_func) if endpoint is None else endpoint
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = {**defaults, **options.pop("defaults")}
        full = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, full, view_func, defaults=defaults, **options)


def _given(first: str | None, second: str | None) -> str | None:
    return second if first is None else first


def _join(prefix: str, rule: str) -> str:
    if not rule:
        return prefix
    return f"{prefix.rstrip('/')}/{rule.lstrip('/')}"


class Blueprint(Scaffold):
    """A set of views, hooks, templates and files that is registered on an app as a whole.

    Args:
        name: Prefix of the blueprint's endpoints; without dots.
        import_name: Name of the module it is defined in, usually ``__name__``.
        static_folder: Folder of its own static files, relative to ``root_path``.
        static_url_path: Prefix of its static route, below ``url_prefix``.
        template_folder: Folder of its own templates; the app's take precedence.
        url_prefix: Prefix of its rules.
        subdomain: Subdomain of its rules.
        url_defaults: Default values of its rules' arguments.
        root_path: Folder that the others are relative to; found from ``import_name`` by default.
        cli_group: Name of its command group; ``None`` puts its commands at the top level.

    Raises:
        ValueError: ``name`` is empty or has a dot.

    Source: ``Flask: Blueprint``.
    """

    _default_cli_group: t.Any = object()  # "a group of the blueprint's name"

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, t.Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _default_cli_group,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if not name:
            raise ValueError(
                f"Blueprint({name!r}, {import_name!r}): its name is empty. Give it one, such as"
                " 'blog'; its endpoints begin with it."
            )
        if "." in name:
            raise ValueError(
                f"Blueprint({name!r}, {import_name!r}): its name has a dot, which separates the"
                " names of nested blueprints. Write '_' instead."
            )
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.url_values_defaults = dict(url_defaults or {})
        self.cli_group = cli_group
        self.deferred_functions: list[DeferredSetupFunction] = []
        self._got_registered_once = False
        self._blueprints: list[tuple[Blueprint, dict[str, t.Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise SetupFinished(
                f"`{f_name}` was called on {self!r}, which is registered on an app already; the app"
                " would not see the change. Do all of a blueprint's setup, imports of its view"
                " modules included, before app.register_blueprint()."
            )

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.AnyStr]:
        """Open a file of the package for reading.

        Args:
            resource: Path relative to ``root_path``.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.
            encoding: For text modes.

        Returns:
            The open file.

        Raises:
            ValueError: ``mode`` would write.

        Source: ``Flask: Blueprint.open_resource``, whose default encoding is not the app's.
        """
        return super().open_resource(resource, mode, encoding)

    # -- recording ---------------------------------------------------------------------------------

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Register a function that runs at each registration of the blueprint.

        Args:
            func: Gets the :class:`BlueprintSetupState`.
        """
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Register a function that runs at the first registration of the blueprint on an app.

        Args:
            func: Gets the :class:`BlueprintSetupState`.
        """

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))

    def make_setup_state(
        self, app: App, options: dict[str, t.Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Return the object that recorded functions get. Override it to return a subclass.

        Args:
            app: The app on which the blueprint is registered.
            options: The options of the registration.
            first_registration: Whether it is the first one on this app.

        Returns:
            The setup state.
        """
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Nest another blueprint in this one.

        Args:
            blueprint: The inner blueprint.
            options: As for ``app.register_blueprint``.

        Raises:
            ValueError: The blueprint is this one.
        """
        if blueprint is self:
            raise ValueError(f"{self!r} was registered on itself. Register it on an app.")
        self._blueprints.append((blueprint, options))

    # -- registration ------------------------------------------------------------------------------

    def register(self, app: App, options: dict[str, t.Any]) -> None:
        """Register everything on an app; ``app.register_blueprint`` calls it.

        Args:
            app: The app.
            options: The options of the registration.

        Raises:
            ValueError: A blueprint of this name is already registered.
        """
        name_prefix = options.get("name_prefix", "")
        name = f"{name_prefix}.{options.get('name', self.name)}".lstrip(".")
        if name in app.blueprints:
            self._refuse_name(app, name)
        first_registration = not any(bp is self for bp in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first_registration)
        self._add_static_route(state)
        self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._add_commands(app, name, options)
        for blueprint, bp_options in self._blueprints:
            blueprint.register(app, self._options_of_inner(state, name, blueprint, bp_options))

    def _refuse_name(self, app: App, name: str) -> t.NoReturn:
        other = app.blueprints[name]
        same = "this same blueprint" if other is self else f"another one, {other!r}"
        raise ValueError(
            f"The name {name!r} is registered on {app!r} already, for {same}. Give `name=` another"
            " value: register_blueprint(bp, name='...')."
        )

    def _add_static_route(self, state: BlueprintSetupState) -> None:
        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                view_func=self._static_view(),
                endpoint="static",
            )

    def _static_view(self) -> ft.RouteCallable:
        # Finding a file does not block for long: no worker thread for it.
        async def static(filename: str) -> Response:
            return self.send_static_file(filename)

        return static

    def _add_commands(self, app: App, name: str, options: dict[str, t.Any]) -> None:
        if "cli" not in vars(self) or not self.cli.commands:
            return
        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
        elif group is self._default_cli_group:
            self.cli.name = name
            app.cli.add_command(self.cli)
        else:
            self.cli.name = group
            app.cli.add_command(self.cli)

    @staticmethod
    def _options_of_inner(
        state: BlueprintSetupState, name: str, inner: Blueprint, options: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        options = dict(options)
        subdomain = _given(options.get("subdomain"), inner.subdomain)
        if state.subdomain is not None and subdomain is not None:
            options["subdomain"] = f"{subdomain}.{state.subdomain}"
        elif state.subdomain is not None or subdomain is not None:
            options["subdomain"] = _given(subdomain, state.subdomain)
        prefix = _given(options.get("url_prefix"), inner.url_prefix)
        if state.url_prefix is not None and prefix is not None:
            options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
        elif prefix is not None:
            options["url_prefix"] = prefix
        elif state.url_prefix is not None:
            options["url_prefix"] = state.url_prefix
        options["name_prefix"] = name
        return options

    def _merge_blueprint_funcs(self, app: App, name: str) -> None:
        """Put what was registered on the blueprint into the app's registries, under its name."""

        def full(key: ft.AppOrBlueprintKey) -> str:
            return name if key is None else f"{name}.{key}"

        for key, by_code in self.error_handler_spec.items():
            target = app.error_handler_spec[full(key)]
            for code, handlers in by_code.items():
                target[code].update(handlers)
        for endpoint, func in self.view_functions.items():
            app.view_functions[endpoint] = func
        for registry in _HOOKS:
            target = getattr(app, registry)
            for key, funcs in getattr(self, registry).items():
                target[full(key)].extend(funcs)

    # -- rules -------------------------------------------------------------------------------------

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule, relative to the blueprint's prefix.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            endpoint: Name of the view, without the blueprint's; by default the function's name.
            view_func: The view, ``def`` or ``async def``.
            provide_automatic_options: As for ``app.add_url_rule``.
            options: For Werkzeug's ``Rule``: ``methods``, ``defaults`` …

        Raises:
            ValueError: The endpoint, or the view's name, has a dot.
        """
        for what, value in (
            ("endpoint", endpoint),
            ("view function's name", getattr(view_func, "__name__", None)),
        ):
            if value and "." in value:
                raise ValueError(
                    f"The {what} {value!r} of rule {rule!r} has a dot, which separates blueprint"
                    f" names. {self!r} adds its own name by itself: leave the dot out."
                )
        self.record(
            lambda state: state.add_url_rule(
                rule,
                endpoint,
                view_func,
                provide_automatic_options=provide_automatic_options,
                **options,
            )
        )

    # -- registrations for the whole app -----------------------------------------------------------

    def _on_app(self, registry: str, f: F) -> F:
        self.record_once(lambda state: functions_of(getattr(state.app, registry)).append(f))
        return f

    @setupmethod
    def before_app_request(self, f: T_before_request) -> T_before_request:
        """Register a function as ``before_request`` does, for every request of the app.

        Args:
            f: Called without arguments, as for :meth:`before_request`.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("before_request_funcs", f)

    @setupmethod
    def after_app_request(self, f: T_after_request) -> T_after_request:
        """Register a function as ``after_request`` does, for every request of the app.

        Args:
            f: Gets the response, and returns a response.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("after_request_funcs", f)

    @setupmethod
    def teardown_app_request(self, f: T_teardown) -> T_teardown:
        """Register a function as ``teardown_request`` does, for every request of the app.

        Args:
            f: Gets the error, or ``None``.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("teardown_request_funcs", f)

    @setupmethod
    def before_app_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function as ``before_websocket`` does, for every websocket of the app.

        Args:
            f: Called without arguments, as for :meth:`before_websocket`.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("before_websocket_funcs", f)

    @setupmethod
    def after_app_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """Register a function as ``after_websocket`` does, for every websocket of the app.

        Args:
            f: Gets the response or ``None``, and returns the same.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("after_websocket_funcs", f)

    @setupmethod
    def teardown_app_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function as ``teardown_websocket`` does, for every websocket of the app.

        Args:
            f: Gets the error, or ``None``.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("teardown_websocket_funcs", f)

    @setupmethod
    def before_app_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs before the app accepts the first request.

        Args:
            f: Called without arguments, ``def`` or ``async def``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.before_serving(f))
        return f

    @setupmethod
    def while_app_serving(self, f: T_while_serving) -> T_while_serving:
        """Register a generator that runs around the serving of the app.

        Args:
            f: An ``async def`` generator with one ``yield``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.while_serving(f))
        return f

    @setupmethod
    def after_app_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs after the app has answered the last request.

        Args:
            f: Called without arguments, ``def`` or ``async def``.

        Returns:
            ``f``, unchanged.
        """
        self.record_once(lambda state: state.app.after_serving(f))
        return f

    @setupmethod
    def app_context_processor(
        self, f: T_template_context_processor
    ) -> T_template_context_processor:
        """Register a function as ``context_processor`` does, for every template of the app.

        Args:
            f: Called without arguments; returns a dictionary.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("template_context_processors", f)

    @setupmethod
    def app_url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function as ``url_value_preprocessor`` does, for every request of the app.

        Args:
            f: Gets the endpoint and the view's arguments.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("url_value_preprocessors", f)

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function as ``url_defaults`` does, for every URL of the app.

        Args:
            f: Gets the endpoint and the values.

        Returns:
            ``f``, unchanged.
        """
        return self._on_app("url_default_functions", f)

    @setupmethod
    def app_errorhandler(
        self, code: type[Exception] | int
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as an error handler, for every request of the app.

        Args:
            code: Status code of an HTTP error, or a subclass of ``Exception``.

        Returns:
            The decorator, which returns the function unchanged.
        """

        def decorator(f: T_error_handler) -> T_error_handler:
            self.record_once(lambda state: state.app.errorhandler(code)(f))
            return f

        return decorator

    @setupmethod
    def app_template_filter(
        self, name: str | None = None
    ) -> Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a Jinja filter, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return t.cast(
            "Callable[[T_template_filter], T_template_filter]",
            self._template_decorator(self.add_app_template_filter, name),
        )

    @setupmethod
    def add_app_template_filter(
        self, f: ft.TemplateFilterCallable, name: str | None = None
    ) -> None:
        """Register a function as a Jinja filter, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_filter(f, name=name))

    @setupmethod
    def app_template_test(
        self, name: str | None = None
    ) -> Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a Jinja test, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return t.cast(
            "Callable[[T_template_test], T_template_test]",
            self._template_decorator(self.add_app_template_test, name),
        )

    @setupmethod
    def add_app_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a function as a Jinja test, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_test(f, name=name))

    @setupmethod
    def app_template_global(
        self, name: str | None = None
    ) -> Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a Jinja global, for every template of the app.

        Args:
            name: Name in templates; by default the function's name. The decorator may also be used
                without parentheses.

        Returns:
            The decorator, which returns the function unchanged.
        """
        return t.cast(
            "Callable[[T_template_global], T_template_global]",
            self._template_decorator(self.add_app_template_global, name),
        )

    @setupmethod
    def add_app_template_global(
        self, f: ft.TemplateGlobalCallable, name: str | None = None
    ) -> None:
        """Register a function as a Jinja global, for every template of the app.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.record_once(lambda state: state.app.add_template_global(f, name=name))

    @staticmethod
    def _template_decorator(add: Callable[..., None], name: t.Any) -> t.Any:
        if callable(name):  # used without parentheses
            add(name)
            return name

        def decorator(f: F) -> F:
            add(f, name=name)
            return f

        return decorator
