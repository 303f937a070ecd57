"""What the async API's app and the facade's share: setup, configuration, templates, rules.

Nothing here knows ASGI or WSGI. Each subject of Flask's class has a file of its own beside this
one, and :class:`App` puts them together. What serves a request is in ``serving/`` and
``dispatch/``.
"""

from __future__ import annotations

import inspect
import os
import typing as t

from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError
from werkzeug.utils import redirect as _redirect
from werkzeug.wrappers import Request as WSGIRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import typing as ft
from .._contextvars import current
from .._invalidation import notice
from ..ctx import Context, _AppCtxGlobals
from ..debug.page import traceback_response
from ..debughelpers import warn_of_real_flask
from ..dispatch import overrides, teardown
from ..dispatch.make_response import as_response
from ..dispatch.plan import PlanCache, Run, Runner
from ..dispatch.protocols import ServedApp
from ..dispatch.runners import RUNNERS
from ..dispatch.scope_types import HTTP, WEBSOCKET
from ..exceptions import SetupFinished, outside
from ..json.provider import DefaultJSONProvider, JSONProvider
from ..logging import one_line
from ..sessions import SecureCookieSessionInterface, SessionInterface
from ..templating import _default_template_ctx_processor
from ..wrappers import Request, Response, never_awaited
from .blueprints import Blueprint, refuse_no_blueprint
from .ensure_sync import EnsureSync
from .rules import Rules
from .scaffold import Scaffold
from .serving_hooks import ServingHooks
from .setupmethod import T_shell_context_processor, setupmethod
from .templates import Templates

if t.TYPE_CHECKING:
    from ..cli.group import AppGroup


class App(Templates, Rules, ServingHooks, EnsureSync):
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
    app_ctx_globals_class: type[_AppCtxGlobals] = _AppCtxGlobals
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    session_interface: SessionInterface = SecureCookieSessionInterface()
    test_client_class: type[t.Any] | None = None
    test_cli_runner_class: type[t.Any] | None = None
    response_class: type[Response]
    request_class: type[Request] | type[WSGIRequest]
    _got_first_request = False
    _is_initialized = False

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
        self.plans = PlanCache(t.cast(ServedApp, self), self.runners)
        Scaffold.__init__(
            self, import_name, static_folder, static_url_path, template_folder, root_path
        )
        self.instance_path = self._checked_instance_path(instance_path)
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)
        Rules.__init__(self, host_matching, subdomain_matching)
        ServingHooks.__init__(self)
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, t.Any] = {}
        for name in {*HTTP.registries, *WEBSOCKET.registries}:
            notice(vars(self).get(name), self.plans.forget)
        self.template_context_processors[None].append(_default_template_ctx_processor)
        never_awaited.install_hook()
        overrides.watch(self)
        self._is_initialized = True
        self.refresh_cached()
        self._prepare_api()
        self._add_static_route(static_host, host_matching)

    def _make_cli(self) -> AppGroup:
        group = super()._make_cli()
        group.name = self.name
        return group

    def _prepare_api(self) -> None:
        """Set up the parts that only one of the two APIs has."""

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
            # The app is found through the context: a reference to it would be a cycle.
            app = t.cast(App, t.cast(Context, current()).app)
            response: Response | t.Awaitable[Response] = app.send_static_file(filename)
            # An override may be `async def`, as Quart's method is.
            return await response if inspect.isawaitable(response) else response

        return static

    #: names of the steps that this app replaces (see ``dispatch/overrides.py``)
    replaced_steps: frozenset[str] = frozenset()

    #: how the requests of each endpoint are served, until something changes
    plans: PlanCache
    #: the functions that run plans
    runners: t.ClassVar[t.Mapping[Runner, Run]] = RUNNERS
    #: what makes the context of a connection, by the type of its scope; by default ``Context``
    connection_contexts: t.ClassVar[t.Mapping[str, t.Callable[..., Context]]] = {}

    _watched = overrides.WATCHED

    def refresh_cached(self) -> None:
        """See which steps are replaced, after something may have changed that."""
        if self._is_initialized:  # else __init__() does it at its end, once
            self.replaced_steps = overrides.find_replaced(self)
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

    def make_aborter(self) -> Aborter:
        """Return the object behind ``abort()``; override it to add status codes."""
        return self.aborter_class()

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Register a blueprint.

        Args:
            blueprint: The blueprint.
            options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name`` and ``cli_group``;
                they replace the blueprint's own.

        Raises:
            TypeError: It is no blueprint.
            ValueError: Another blueprint has this name.
        """
        if not isinstance(blueprint, Blueprint):
            refuse_no_blueprint(blueprint)
            warn_of_real_flask(f"The blueprint {blueprint!r}", stacklevel=3)
        blueprint.register(self, options)

    def iter_blueprints(self) -> t.ValuesView[Blueprint]:
        """Return the blueprints in the order in which they were registered."""
        return self.blueprints.values()

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

    def redirect(self, location: str, code: int = 302) -> WerkzeugResponse:
        """Return a redirect response; the function ``redirect()`` calls this method.

        Args:
            location: The URL.
            code: The status code.

        Returns:
            An object of ``response_class``.
        """
        return _redirect(location, code=code, Response=self.response_class)

    def make_response(self, rv: ft.ResponseReturnValue) -> ft.Overridable[Response]:
        """Return the response for a view's return value.

        Args:
            rv: The return value, see ``docs/reference/response.md``.

        Returns:
            An object of ``response_class``.

        Raises:
            TypeError: A view may not return such a value.

        Source: ``Flask: app.make_response``.
        """
        response: Response = as_response(self, rv)
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
        if self.plans.settings["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = self.plans.settings["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None and isinstance(e, BadRequestKeyError) and self.debug:
            return True
        return bool(trap) and isinstance(e, BadRequest)

    def log_exception(self, exc_info: ft.ExcInfo) -> None:
        """Log an error that nothing handled.

        Args:
            exc_info: As :func:`sys.exc_info` returns it.

        Source: ``Flask: app.log_exception``.
        """
        # The line has the name of the file that logs, which is "app" in Flask: "ERROR in app".
        ctx = current()
        connection = None if ctx is None else ctx.request_or_websocket
        where = "" if connection is None else f" on {connection.path} [{connection.method}]"
        self.logger.error("Exception%s", one_line(where), exc_info=exc_info)

    def make_default_options_response(self) -> ft.Overridable[Response]:
        """Answer OPTIONS with the methods that the current URL allows."""
        ctx: Context | None = current()
        if ctx is None or ctx.request_context is None:
            raise outside("make_default_options_response()", "request")
        response = self.response_class()
        response.allow.update(ctx.request_context.url_adapter.allowed_methods())
        return response

    def app_context(self) -> Context:
        """Return a context for using the app outside of a request: ``with`` or ``async with``."""
        return Context(self)

    def make_connection_context(
        self, name: str, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Context:
        """Make the context of a connection by a method that was replaced.

        Args:
            name: The method: ``request_context`` or ``websocket_context``.
            scope: The ASGI scope.
            receive: Returns the next message of the client.
            send: Sends a message to the client.
        """
        ctx: Context = getattr(self, name)(scope, receive, send)
        return ctx

    def answer_failure(self, ctx: Context, error: BaseException) -> Response | None:
        """Return what answers an error that nothing handled: a traceback page in debug mode.

        Args:
            ctx: The context.
            error: The error.

        Returns:
            The response; ``None`` if the server gets the error.
        """
        return traceback_response(t.cast(ServedApp, self), ctx, error)

    async def teardown_context(self, ctx: Context, error: BaseException | None) -> None:
        """Run the teardown functions of a context; the context calls this when it is popped.

        Args:
            ctx: The context.
            error: The error that ended it, or ``None``.
        """
        await teardown.leave(t.cast(ServedApp, self), ctx, error)
