"""What both faces of the app share: configuration, setup, templates, rules, URLs.

Everything here is synchronous and free of ASGI and WSGI. The steps that serve a request are
``dispatch/``'s; the async face's methods for them are in :mod:`asyncflask.app`. The file is long
because Flask's class is: these are its methods, most of one line, where its users look for them.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import typing as t
from collections.abc import Callable
from datetime import timedelta

import werkzeug.routing
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError
from werkzeug.local import LocalProxy
from werkzeug.routing import BuildError, MapAdapter
from werkzeug.utils import cached_property
from werkzeug.utils import redirect as _redirect
from werkzeug.wrappers import Request as WSGIRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import resources
from .. import typing as ft
from .._contextvars import current
from .._invalidation import HookList, Watching, notice
from ..concurrency.bridge import to_sync
from ..concurrency.inspection import is_async
from ..concurrency.workers import WorkerPool, run_sync
from ..config import DEFAULT_CONFIG, Config, ConfigAttribute
from ..ctx import Context, _AppCtxGlobals
from ..debug.blocking import watched
from ..debughelpers import warn_of_real_flask
from ..dispatch import overrides, teardown, urls
from ..dispatch.invoke import lease_of_its_own, loop_of_worker
from ..dispatch.make_response import make_response
from ..dispatch.plan import PlanCache
from ..dispatch.protocols import ServedApp
from ..dispatch.scope_types import HTTP, WEBSOCKET
from ..environment import get_debug_flag
from ..exceptions import SetupFinished, outside
from ..helpers import get_flashed_messages
from ..json.provider import DefaultJSONProvider, JSONProvider
from ..logging import create_logger
from ..routing import Map, Rule
from ..sessions import SecureCookieSessionInterface, SessionInterface
from ..templating import (
    _default_template_ctx_processor,
    select_jinja_autoescape,
    update_template_context,
    update_template_context_async,
)
from ..wrappers import Request, Response, Websocket, unawaited
from .blueprints import Blueprint
from .scaffold import (
    Scaffold,
    T_before_serving,
    T_shell_context_processor,
    T_teardown,
    T_template_filter,
    T_template_global,
    T_template_test,
    T_while_serving,
    endpoint_of,
    setupmethod,
)

if t.TYPE_CHECKING:
    import jinja2

    from ..cli.group import AppGroup
    from ..templating import environment as jinja
else:  # For typing.get_type_hints().
    jinja, jinja2 = map(resources.LaterModule, ("asyncflask.templating.environment", "jinja2"))


P = t.ParamSpec("P")
T = t.TypeVar("T")


def _template_proxy(name: str, kind: str) -> LocalProxy[t.Any]:
    """Make the proxy of an attribute of the current context; false where there is none."""

    def find() -> t.Any:
        ctx = current()
        found = None if ctx is None else getattr(ctx, name)
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


class App(Scaffold, Watching):
    """Setup and configuration of an app, Flask's names and defaults.

    Args:
        import_name: Name of the module or package the app is defined in, usually ``__name__``.
        static_url_path: URL prefix of the static files; the folder's name by default.
        static_folder: Folder of the static files, relative to ``root_path``.
        static_host: Host of the static route; needed with ``host_matching``.
        host_matching: Whether rules match by ``host=``.
        subdomain_matching: Whether rules match by ``subdomain=``, below ``SERVER_NAME``.
        template_folder: Folder of the templates, relative to ``root_path``.
        instance_path: Folder of the deployment's own files; found beside the package by default.
        instance_relative_config: Whether relative names of config files begin there.
        root_path: Folder of the code; found from ``import_name`` by default.

    Source: ``Flask: Flask``.
    """

    aborter_class: type[Aborter] = Aborter
    jinja_environment: type[jinja.Environment] = resources.later(
        "asyncflask.templating.environment", "Environment"
    )
    app_ctx_globals_class: type[_AppCtxGlobals] = _AppCtxGlobals
    config_class: type[Config] = Config
    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=lambda value: (
            value if isinstance(value, timedelta) else timedelta(seconds=value)
        ),
    )
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    jinja_options: dict[str, t.Any] = {}
    url_rule_class: type[werkzeug.routing.Rule] = Rule
    url_map_class: type[werkzeug.routing.Map] = Map
    session_interface: SessionInterface = SecureCookieSessionInterface()
    test_client_class: type[t.Any] | None = None
    test_cli_runner_class: type[t.Any] | None = None
    default_config: ImmutableDict[str, t.Any] = ImmutableDict(DEFAULT_CONFIG)
    response_class: type[Response]
    request_class: type[Request] | type[WSGIRequest]

    _got_first_request = False

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        self.plans = PlanCache()
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        self.instance_path = self._checked_instance_path(instance_path)
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, t.Any]], str]] = []
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = HookList()
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = []
        self.before_serving_funcs: list[ft.BeforeServingCallable] = []
        self.while_serving_gens: list[ft.WhileServingCallable] = []
        self.after_serving_funcs: list[ft.AfterServingCallable] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, t.Any] = {}
        self.url_map: werkzeug.routing.Map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        for name in {*HTTP.registries, *WEBSOCKET.registries}:
            notice(vars(self).get(name), self.plans.forget)
        self.template_context_processors[None].append(_default_template_ctx_processor)
        unawaited.install_hook()
        overrides.watch(self)
        self._refresh()
        self._prepare_api()
        self._add_static_route(static_host, host_matching)

    #: ``g``, ``request`` and ``session`` of templates; each API has its own
    _template_proxies: t.ClassVar[t.Mapping[str, t.Any]] = _TEMPLATE_PROXIES

    def _make_cli(self) -> AppGroup:
        group = super()._make_cli()
        group.name = self.name
        return group

    def _prepare_api(self) -> None:
        """Set up the parts that only one of the two APIs has."""

    def _checked_instance_path(self, instance_path: str | None) -> str:
        if instance_path is None:
            return self.auto_find_instance_path()
        if not os.path.isabs(instance_path):
            raise ValueError(
                f"instance_path={instance_path!r} is a relative path; it must be absolute. Give"
                " os.path.abspath(...), or omit it."
            )
        return instance_path

    def _add_static_route(self, static_host: str | None, host_matching: bool) -> None:
        if not self.has_static_folder:
            return
        if bool(static_host) != host_matching:
            raise AssertionError(
                f"static_host={static_host!r} with host_matching={host_matching!r}: with host"
                " matching the static route needs a host, without it none. Set both, or"
                " static_folder=None."
            )
        self.add_url_rule(
            f"{self.static_url_path}/<path:filename>",
            endpoint="static",
            host=static_host,
            view_func=self._static_view(),
        )

    def _static_view(self) -> ft.RouteCallable:
        async def static(filename: str) -> Response:
            # The app is found through the context: a reference to it would be a circle.
            ctx = current()
            response: Response | t.Awaitable[Response]
            response = ctx.app.send_static_file(filename)  # type: ignore[union-attr]  # in a request
            # An override may be `async def`, as Quart's method is.
            return await response if inspect.isawaitable(response) else response

        return static

    # -- steps that may be replaced ----------------------------------------------------------------

    #: the pipeline's own steps as methods, see ``steps.untouched``; each face sets it
    _untouched: t.ClassVar[t.Mapping[str, t.Any]]

    #: names of the steps that this app replaces (see ``dispatch/overrides.py``)
    replaced_steps: frozenset[str] = frozenset()

    #: how the requests of each endpoint are served, until something changes
    plans: PlanCache

    _watched = overrides.WATCHED

    def _refresh(self) -> None:
        """See which steps are replaced, after something may have changed that."""
        self.replaced_steps = overrides.find_replaced(self, self._untouched)
        if "plans" in vars(self):  # Something may be assigned before __init__() is called.
            self.plans.forget()

    @classmethod
    def _refresh_all(cls) -> None:
        overrides.forget_all()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise SetupFinished(
                f"The setup method '{f_name}' was called on {self!r} after it served its first"
                " request; requests before and after would be treated differently. Do all setup"
                " (routes, hooks, blueprints and the imports that make them) before the app runs."
                " The registries may be changed later: `app.url_map.add(rule)` and"
                " `app.view_functions[endpoint] = view`, `app.before_request_funcs[None]`."
            )

    # -- configuration -----------------------------------------------------------------------------

    @cached_property
    def name(self) -> str:  # a plain attribute on blueprints
        """The app's name: the import name, or the file's name when run as a script."""
        if self.import_name != "__main__":
            return self.import_name
        file = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if file is None else os.path.splitext(os.path.basename(file))[0]

    @cached_property
    def logger(self) -> logging.Logger:
        """The app's standard :class:`logging.Logger`, named like the app."""
        return create_logger(self)

    @property
    def debug(self) -> bool:
        """Whether debug mode is on (``DEBUG``, ``FLASK_DEBUG``)."""
        value: bool = self.config["DEBUG"]
        return value

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        self._refresh()
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    @cached_property
    def workers(self) -> WorkerPool:
        """The threads in which ``def`` callables run, ``WORKER_POOL_SIZE`` of them at most."""
        pool = WorkerPool(self.config["WORKER_POOL_SIZE"], self.config["WORKER_QUEUE_SIZE"])
        pool.watch = watched
        return pool

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the configuration object, with the defaults.

        Args:
            instance_relative: Whether relative file names begin at ``instance_path``, not
                ``root_path``.

        Returns:
            An object of ``config_class``.
        """
        root_path = self.instance_path if instance_relative else self.root_path
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        return self.config_class(root_path, defaults)

    def make_aborter(self) -> Aborter:
        """Return the object behind ``abort()``; override it to add status codes."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Return the instance folder: beside the package, or in the environment's ``var``."""
        return resources.find_instance_path(self.import_name, self.name)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.AnyStr]:
        """Open a file of the instance folder, for reading or writing.

        Args:
            resource: Path relative to ``instance_path``.
            mode: As for :func:`open`.
            encoding: For text modes.

        Returns:
            The open file.
        """
        return t.cast(
            "t.IO[t.AnyStr]",
            resources.open_instance_resource(self.instance_path, resource, mode, encoding),
        )

    # -- templates ---------------------------------------------------------------------------------

    @cached_property
    def jinja_env(self) -> jinja.Environment:
        """The Jinja environment, created at the first access."""
        from ..templating.environment import with_checks  # PERF: Jinja is imported late

        env: t.Any = with_checks(self.create_jinja_environment())
        return env  # type: ignore[no-any-return]  # an override may return any environment

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
        from ..templating.environment import DispatchingJinjaLoader  # PERF: Jinja is imported late

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
        return t.cast(
            "Callable[[T_template_filter], T_template_filter]",
            self._template_decorator(self.add_template_filter, name),
        )

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
        return t.cast(
            "Callable[[T_template_test], T_template_test]",
            self._template_decorator(self.add_template_test, name),
        )

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
        return t.cast(
            "Callable[[T_template_global], T_template_global]",
            self._template_decorator(self.add_template_global, name),
        )

    @setupmethod
    def add_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        """Register a function as a Jinja global.

        Args:
            f: The function.
            name: Name in templates; by default the function's name.
        """
        self.jinja_env.globals[name or f.__name__] = f

    _template_decorator: t.Any = staticmethod(Blueprint._template_decorator)

    # -- rules and blueprints ----------------------------------------------------------------------

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Register a blueprint.

        Args:
            blueprint: The blueprint.
            options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name`` and ``cli_group``;
                they replace the blueprint's own.

        Raises:
            ValueError: Another blueprint has this name.
        """
        if not isinstance(blueprint, Blueprint):
            warn_of_real_flask(f"The blueprint {blueprint!r}", stacklevel=3)
        blueprint.register(self, options)

    def iter_blueprints(self) -> t.ValuesView[Blueprint]:
        """Return the blueprints in the order in which they were registered."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule and, with ``view_func``, its view.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            endpoint: Name of the view; by default the function's name.
            view_func: The view, ``def`` or ``async def``; :meth:`endpoint` may register it later.
            provide_automatic_options: Whether the app answers OPTIONS; by default
                ``PROVIDE_AUTOMATIC_OPTIONS``, unless the rule lists it.
            options: For Werkzeug's ``Rule``: ``methods``, ``defaults``, ``host`` …

        Raises:
            AssertionError: The endpoint has another view function already.
            TypeError: ``methods`` is one string.

        Source: ``Flask: app.add_url_rule``.
        """
        endpoint = endpoint_of(view_func) if endpoint is None else endpoint
        options["endpoint"] = endpoint
        methods, automatic = self._methods_of(rule, view_func, provide_automatic_options, options)
        url_rule = self.url_rule_class(rule, methods=methods, **options)
        url_rule.provide_automatic_options = automatic  # type: ignore[attr-defined]  # as in Flask
        self.url_map.add(url_rule)
        if view_func is None:
            return
        known = self.view_functions.get(endpoint)
        if known is not None and known != view_func:
            raise AssertionError(
                f"Rule {rule!r}: endpoint {endpoint!r} has another view function already,"
                f" {known!r}. Rename {view_func!r}, or give it an `endpoint=` of its own."
                " (Decorators that do not use functools.wraps are a common cause.)"
            )
        self.view_functions[endpoint] = view_func

    def _methods_of(
        self,
        rule: str,
        view_func: object,
        automatic: bool | None,
        options: dict[str, t.Any],
    ) -> tuple[set[str] | None, bool]:
        """Return the rule's methods, and whether OPTIONS is answered by itself."""
        methods = options.pop("methods", None)
        if options.get("websocket"):
            return None, False
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError(
                f"Rule {rule!r}: methods={methods!r} is one string. Write a list:"
                f" methods=[{methods!r}]."
            )
        methods = {method.upper() for method in methods}
        required = set(getattr(view_func, "required_methods", ()))
        if automatic is None:
            automatic = getattr(view_func, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
        if automatic:
            required.add("OPTIONS")
        return methods | required, bool(automatic)

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Register a function that runs when an app context ends.

        Args:
            f: Gets the error, or ``None``; it runs after the request's teardown functions.

        Returns:
            ``f``, unchanged.
        """
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def before_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs before the app accepts the first request.

        Args:
            f: Called without arguments, in an app context.

        Returns:
            ``f``, unchanged.
        """
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: T_while_serving) -> T_while_serving:
        """Register a generator that runs around the serving of the app.

        Args:
            f: An ``async def`` generator with one ``yield``: the part before it runs at startup,
                the rest at shutdown.

        Returns:
            ``f``, unchanged.
        """
        self.while_serving_gens.append(f)
        return f

    @setupmethod
    def after_serving(self, f: T_before_serving) -> T_before_serving:
        """Register a function that runs after the app has answered the last request.

        Args:
            f: Called without arguments, in an app context.

        Returns:
            ``f``, unchanged.
        """
        self.after_serving_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: T_shell_context_processor) -> T_shell_context_processor:
        """Register a function that adds names to the interactive shell.

        Args:
            f: Called without arguments; returns a dictionary.

        Returns:
            ``f``, unchanged.
        """
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, t.Any]:
        """Return the names of the interactive shell: ``app``, ``g``, and the processors'."""
        names: dict[str, t.Any] = {"app": self, "g": self._template_proxies["g"]}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # -- URLs --------------------------------------------------------------------------------------

    def create_url_adapter(
        self, request: Request | Websocket | WSGIRequest | None
    ) -> MapAdapter | None:
        """Return the URL adapter of a request or websocket.

        Args:
            request: The request or websocket; ``None`` for an adapter of ``SERVER_NAME``.

        Returns:
            The adapter, or ``None`` if there is neither a request nor ``SERVER_NAME``.
        """
        return urls.create_adapter(self, request)

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Build the URL of an endpoint.

        Args:
            endpoint: The endpoint; ``".name"`` is relative to the current blueprint.
            _anchor: Added as ``#anchor``.
            _method: Choose the rule by this method.
            _scheme: Scheme of the URL, which makes it external.
            _external: Whether scheme and host are included; outside of a request they are.
            values: Arguments of the rule; others become the query string.

        Returns:
            The URL.

        Raises:
            BuildError: No rule fits, and no handler in ``url_build_error_handlers`` returns a URL.
            RuntimeError: Outside of a request without ``SERVER_NAME``.
            ValueError: ``_scheme`` together with ``_external=False``.

        Source: ``Flask: app.url_for``.
        """
        return urls.url_for(
            self,
            current(),
            endpoint,
            anchor=_anchor,
            method=_method,
            scheme=_scheme,
            external=_external,
            values=values,
        )

    def inject_url_defaults(self, endpoint: str, values: dict[str, t.Any]) -> None:
        """Call the ``url_defaults`` functions of an endpoint.

        Args:
            endpoint: The endpoint.
            values: The values of the URL, to which the functions add.
        """
        urls.inject_defaults(self, endpoint, values)

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, t.Any]
    ) -> str:
        """Return a URL that ``url_build_error_handlers`` build instead.

        Args:
            error: The error of :meth:`url_for`.
            endpoint: The endpoint.
            values: The values of the URL.

        Returns:
            The URL.

        Raises:
            BuildError: No handler returns a URL.
        """
        return urls.handle_build_error(self, error, endpoint, values)

    # -- small steps -------------------------------------------------------------------------------

    def redirect(self, location: str, code: int = 302) -> WerkzeugResponse:
        """Return a redirect response; the function ``redirect()`` calls this method.

        Args:
            location: The URL.
            code: The status code.

        Returns:
            An object of ``response_class``.
        """
        return _redirect(location, code=code, Response=self.response_class)

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        """Return the response for a view's return value.

        Args:
            rv: The return value, see ``docs/reference/response.md``.

        Returns:
            An object of ``response_class``.

        Raises:
            TypeError: A view may not return such a value.

        Source: ``Flask: app.make_response``.
        """
        response: Response = make_response(self, rv)
        return response

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Return whether teardown functions get ``None`` instead of an error.

        Override it to decide.

        Args:
            error: The error, or ``None``.

        Returns:
            ``False``.
        """
        return False

    def trap_http_exception(self, e: Exception) -> bool:
        """Return whether an HTTP error is handled as any other exception.

        Args:
            e: The error.

        Returns:
            As ``TRAP_HTTP_EXCEPTIONS`` and ``TRAP_BAD_REQUEST_ERRORS`` say.
        """
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None and isinstance(e, BadRequestKeyError) and self.debug:
            return True
        return bool(trap) and isinstance(e, BadRequest)

    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods that the current URL allows."""
        ctx: Context = current()  # type: ignore[assignment]  # called in a request
        response = self.response_class()
        response.allow.update(ctx.url_adapter.allowed_methods())
        return response

    # -- contexts and colours ----------------------------------------------------------------------

    def app_context(self) -> Context:
        """Return a context for using the app outside of a request: ``with`` or ``async with``."""
        return Context(self)

    async def teardown_context(self, ctx: Context, error: BaseException | None) -> None:
        """Run the teardown functions of a context; the context calls this when it is popped.

        Args:
            ctx: The context.
            error: The error that ended it, or ``None``.
        """
        await teardown.leave(t.cast(ServedApp, self), ctx, error)

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add the names of the context processors to a template's context.

        Args:
            context: The template's context; its own names take precedence.

        Raises:
            RuntimeError: A context processor is ``async def``; only ``render_template_async`` and
                the other functions with ``_async`` can await it.
        """
        update_template_context(self, current(), context)

    async def update_template_context_async(self, context: dict[str, t.Any]) -> None:
        """Add the names of the context processors to a template's context; await coroutines.

        An overridden :meth:`update_template_context` is called instead, and its result awaited if
        it is awaitable.

        Args:
            context: The template's context; its own names take precedence.
        """
        update = self.update_template_context
        if getattr(update, "__func__", None) is App.update_template_context:
            await update_template_context_async(self, current(), context)
            return
        updating: t.Any = update(context)
        if inspect.isawaitable(updating):
            await updating

    @t.overload
    def ensure_async(self, func: Callable[P, t.Awaitable[T]]) -> Callable[P, t.Awaitable[T]]: ...
    @t.overload
    def ensure_async(self, func: Callable[P, T]) -> Callable[P, t.Awaitable[T]]: ...
    def ensure_async(self, func: Callable[P, t.Any]) -> Callable[P, t.Awaitable[t.Any]]:
        """Return an awaitable version of a function.

        Args:
            func: A ``def`` or ``async def`` function.

        Returns:
            An ``async def`` function unchanged; for a ``def`` function one that calls it in the
            request's worker thread.

        Source: ``Quart: app.ensure_async``.
        """
        if is_async(func):
            return func
        return self.sync_to_async(func)

    def sync_to_async(self, func: Callable[P, T]) -> Callable[P, t.Awaitable[T]]:
        """Return an awaitable version of a ``def`` function.

        Args:
            func: The function.

        Returns:
            A function that calls it in the current context's worker thread, or without a context in
            any thread.
        """
        plain = run_sync(func)

        async def runner(*args: P.args, **kwargs: P.kwargs) -> T:
            ctx: Context | None = current()
            if ctx is None:
                return await plain(*args, **kwargs)
            if ctx.runs_own_loop:
                # No server: the loop is the caller's own, in the thread of the request.
                return func(*args, **kwargs)
            return await ctx.run_def(func, *args, **kwargs)

        return runner

    @t.overload
    def ensure_sync(self, func: Callable[P, t.Coroutine[t.Any, t.Any, T]]) -> Callable[P, T]: ...
    @t.overload
    def ensure_sync(self, func: Callable[P, T]) -> Callable[P, T]: ...
    def ensure_sync(self, func: Callable[P, t.Any]) -> Callable[P, t.Any]:
        """Return a synchronous version of a function.

        Args:
            func: A ``def`` or ``async def`` function.

        Returns:
            A ``def`` function unchanged; for an ``async def`` function one that runs it on the loop
            and waits.

        Source: ``Flask: app.ensure_sync``.
        """
        return self.async_to_sync(func) if is_async(func) else func

    def async_to_sync(self, func: Callable[P, t.Coroutine[t.Any, t.Any, T]]) -> Callable[P, T]:
        """Return a synchronous version of an ``async def`` function.

        Args:
            func: The function.

        Returns:
            A function that waits for the result. In a ``def`` view it runs ``func`` on the server's
            loop, elsewhere on a new loop. On a running loop it raises a ``RuntimeError``.
        """

        async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            return await watched(func(*args, **kwargs))

        blocking = to_sync(functools.wraps(func)(timed), loop_of_worker)

        @functools.wraps(func)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            ctx: Context | None = current()
            if ctx is None:
                return blocking(*args, **kwargs)
            with lease_of_its_own(ctx.request_context or ctx):
                return blocking(*args, **kwargs)

        return call
