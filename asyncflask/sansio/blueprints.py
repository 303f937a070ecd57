"""Blueprints: recorded registrations, played back on an app.

A blueprint knows no app until it is registered; each of its methods records what to do then. Names
and meaning are Flask's, nesting and repeated registration under other names included.
"""

from __future__ import annotations

import os
import typing as t

from .. import typing as ft
from ..exceptions import SetupFinished
from ..wrappers import Response
from .app_wide import AppWide
from .blueprint_setup import BlueprintSetupState, DeferredSetupFunction, options_of_inner
from .setupmethod import setupmethod

if t.TYPE_CHECKING:
    from .app import App

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


class Blueprint(AppWide):
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
            TypeError: It is no blueprint.
            ValueError: The blueprint is this one.
        """
        refuse_no_blueprint(blueprint)
        if blueprint is self:
            raise ValueError(f"{self!r} was registered on itself. Register it on an app.")
        self._blueprints.append((blueprint, options))

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
            blueprint.register(app, options_of_inner(state, name, blueprint, bp_options))

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


def refuse_no_blueprint(blueprint: object) -> None:
    """Refuse what is registered in the place of a blueprint, mostly its module or its class.

    Args:
        blueprint: What was given.

    Raises:
        TypeError: It is no blueprint.
    """
    if isinstance(blueprint, type) or not callable(getattr(blueprint, "register", None)):
        raise TypeError(
            f"register_blueprint() was given {blueprint!r:.100}, which is no blueprint. Write the"
            " object that `Blueprint(...)` has returned, such as `shop.bp` of a module `shop`."
        )
