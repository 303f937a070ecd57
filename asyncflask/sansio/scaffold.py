"""What apps and blueprints have in common: registries, and decorators that fill them.

The registries are Flask's: plain dictionaries and lists, keyed by blueprint name (``None`` for the
app), which extensions read and change directly, also late (design D6). Nothing here runs what is
registered; that is ``dispatch/``'s business.
"""

from __future__ import annotations

import functools
import inspect
import os
import typing as t
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.utils import cached_property

from .. import resources
from .. import typing as ft
from .._contextvars import current
from .._invalidation import HookRegistry, ViewRegistry
from ..wrappers import Response
from ..wrappers.response.send_file import send_from_directory

if t.TYPE_CHECKING:
    import jinja2

    from ..cli import group
else:  # For typing.get_type_hints().
    group, jinja2 = map(resources.LaterModule, ("asyncflask.cli.group", "jinja2"))

F = t.TypeVar("F", bound=Callable[..., t.Any])
# The decorators return what they are given; the bounds are the signatures that they accept.
T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable)
T_after_websocket = t.TypeVar("T_after_websocket", bound=ft.AfterWebsocketCallable)
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_before_serving = t.TypeVar("T_before_serving", bound=ft.BeforeServingCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_route = t.TypeVar("T_route", bound=ft.RouteCallable)
T_shell_context_processor = t.TypeVar(
    "T_shell_context_processor", bound=ft.ShellContextProcessorCallable
)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar(
    "T_template_context_processor", bound=ft.TemplateContextProcessorCallable
)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar(
    "T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable
)
T_websocket = t.TypeVar("T_websocket", bound=ft.WebsocketCallable)
T_while_serving = t.TypeVar("T_while_serving", bound=ft.WhileServingCallable)

#: what was registered, by the blueprint's name; the app's own by ``None``
Registry: t.TypeAlias = dict[ft.AppOrBlueprintKey, list[F]]
_sentinel: t.Any = object()


def functions_of(registry: Registry[F]) -> list[F]:
    """Return the list of functions for all requests. COMPAT: of a plain dictionary as well."""
    noticed = isinstance(registry, HookRegistry)
    functions: list[F] = registry[None] if noticed else registry.setdefault(None, [])
    return functions


def setupmethod(f: F) -> F:
    """Mark a method that registers something: it refuses once setup is over."""
    name = f.__name__

    @functools.wraps(f)
    def wrapper(self: Scaffold, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return t.cast(F, wrapper)


class Scaffold:
    """Common behaviour of :class:`~asyncflask.Flask` and :class:`~asyncflask.Blueprint`.

    Args:
        import_name: Name of the module the object is defined in, usually ``__name__``.
        static_folder: Folder of static files, relative to ``root_path``.
        static_url_path: URL prefix of the static route.
        template_folder: Folder of templates, relative to ``root_path``.
        root_path: Folder that the others are relative to; found from ``import_name`` by default.

    Source: ``Flask: sansio.scaffold.Scaffold``.
    """

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = resources.get_root_path(import_name) if root_path is None else root_path
        self.view_functions: dict[str, ft.RouteCallable] = ViewRegistry()
        self.error_handler_spec: dict[
            ft.AppOrBlueprintKey, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]
        ] = defaultdict(lambda: defaultdict(dict))
        self.before_request_funcs: Registry[ft.BeforeRequestCallable] = HookRegistry(list)
        self.after_request_funcs: Registry[ft.AfterRequestCallable] = HookRegistry(list)
        self.teardown_request_funcs: Registry[ft.TeardownCallable] = HookRegistry(list)
        self.before_websocket_funcs: Registry[ft.BeforeWebsocketCallable] = HookRegistry(list)
        self.after_websocket_funcs: Registry[ft.AfterWebsocketCallable] = HookRegistry(list)
        self.teardown_websocket_funcs: Registry[ft.TeardownCallable] = HookRegistry(list)
        self.template_context_processors: Registry[ft.TemplateContextProcessorCallable] = (
            HookRegistry(list)
        )
        self.url_value_preprocessors: Registry[ft.URLValuePreprocessorCallable] = HookRegistry(list)
        self.url_default_functions: Registry[ft.URLDefaultCallable] = HookRegistry(list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError("An app and a blueprint each know when their setup is over.")

    # -- folders and files -------------------------------------------------------------------------

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the static folder, or ``None``."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a static folder is set."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of the static route; by default made from the static folder's name."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is None:
            return None
        return f"/{os.path.basename(self.static_folder)}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how long a browser may cache a static file.

        Override it to decide by name; the default is ``SEND_FILE_MAX_AGE_DEFAULT``.

        Args:
            filename: Path in the static folder; ``None`` for other files.

        Returns:
            Seconds, or ``None``: the browser asks each time whether the file has changed.
        """
        ctx = current()
        value = None if ctx is None else ctx.app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        return t.cast("int | None", value)

    def send_static_file(self, filename: str) -> Response:
        """Return a response with a file of the static folder; the view of the static route.

        Args:
            filename: Path in the static folder.

        Returns:
            The response, which has opened the file.

        Raises:
            NotFound: There is no such file inside the folder.
            RuntimeError: No static folder is set.
        """
        if not self.has_static_folder:
            raise RuntimeError(
                f"{self!r} has no static folder to send {filename!r} from. Give one:"
                " `static_folder='static'`."
            )
        return send_from_directory(
            t.cast(str, self.static_folder), filename, max_age=self.get_send_file_max_age(filename)
        )

    @cached_property
    def cli(self) -> group.AppGroup:
        """The group of commands: ``@app.cli.command("name")``."""
        return self._make_cli()

    def _make_cli(self) -> group.AppGroup:
        # PERF: click, and the modules that use it, take as long to import as Jinja.
        from ..cli.group import AppGroup

        return AppGroup()

    @cached_property
    def jinja_loader(self) -> jinja2.BaseLoader | None:
        """The loader of this object's own template folder, or ``None``."""
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader  # PERF: Jinja is imported late

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> t.IO[t.AnyStr]:
        """Open a file of the package for reading.

        Args:
            resource: Path relative to ``root_path``.
            mode: ``"r"``, ``"rt"`` or ``"rb"``.
            encoding: For text modes; by default Python's.

        Returns:
            The open file.

        Raises:
            ValueError: ``mode`` would write.
        """
        return t.cast(
            "t.IO[t.AnyStr]", resources.open_resource(self.root_path, resource, mode, encoding)
        )

    # -- routes ------------------------------------------------------------------------------------

    def _method_route(
        self, method: str, rule: str, options: dict[str, t.Any]
    ) -> Callable[[T_route], T_route]:
        _refuse_function(method.lower(), rule)
        if "methods" in options:
            raise TypeError(
                f"`methods={options['methods']!r}` was given to @{method.lower()}({rule!r}), which"
                f" is for {method} alone. Use @route({rule!r}, methods=[...])."
            )
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for GET.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for POST.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for PUT.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for DELETE.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a rule for PATCH.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: ``methods`` was given, or the decorator has no parentheses.
        """
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Register the decorated function as the view of a URL rule.

        Args:
            rule: URL rule, such as ``"/user/<int:id>"``.
            options: For :meth:`add_url_rule` and Werkzeug's ``Rule``: ``methods``, ``endpoint`` …

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses.

        Source: ``Flask: app.route``.
        """
        _refuse_function("route", rule)

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

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
            view_func: The view, ``def`` or ``async def``.
            provide_automatic_options: Whether the app answers OPTIONS; by default
                ``PROVIDE_AUTOMATIC_OPTIONS``, unless the rule lists it.
            options: For Werkzeug's ``Rule``: ``methods``, ``defaults``, ``subdomain`` …
        """
        raise NotImplementedError("Apps and blueprints each register rules in their own way.")

    @setupmethod
    def websocket(self, rule: str, **options: t.Any) -> Callable[[T_websocket], T_websocket]:
        """Register the decorated function as the view of a websocket rule.

        Args:
            rule: URL rule, such as ``"/ws/<room>"``.
            options: As for :meth:`route`, without ``methods``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses.

        Source: ``Quart: app.websocket``.
        """
        _refuse_function("websocket", rule)

        def decorator(f: T_websocket) -> T_websocket:
            endpoint = options.pop("endpoint", None)
            self.add_websocket(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def add_websocket(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.WebsocketCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a websocket rule and, with ``view_func``, its view.

        Args:
            rule: URL rule, such as ``"/ws/<room>"``.
            endpoint: Name of the view; by default the function's name.
            view_func: The view, ``def`` or ``async def``.
            options: For Werkzeug's ``Rule``.

        Raises:
            TypeError: The view is a generator.

        Source: ``Quart: app.add_websocket``.
        """
        if inspect.isasyncgenfunction(view_func) or inspect.isgeneratorfunction(view_func):
            raise TypeError(
                f"The websocket view {view_func.__qualname__}() of {rule!r} has a `yield`, so it is"
                " a generator, and what it yields is not sent.\n\n"
                "    wrong: yield message\n"
                "    right: await websocket.send(message)    # without `await` in a `def` view"
            )
        view = t.cast("ft.RouteCallable | None", view_func)  # It may return None as well.
        self.add_url_rule(
            rule, endpoint, view, provide_automatic_options=False, websocket=True, **options
        )

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the decorated function as the view of an endpoint; add its rule separately.

        Args:
            endpoint: Name of the view.

        Returns:
            The decorator, which returns the function unchanged.
        """

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    # -- hooks -------------------------------------------------------------------------------------

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Register a function that runs before each view.

        Args:
            f: Called without arguments. A return value that is not ``None`` becomes the response,
                and the view is skipped.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.before_request_funcs).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Register a function that runs after each view; the last registered runs first.

        Args:
            f: Gets the response, and returns a response.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.after_request_funcs).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Register a function that runs at the end of each request's context, even after an error.

        Args:
            f: Gets the error, or ``None``; its return value is ignored.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.teardown_request_funcs).append(f)
        return f

    @setupmethod
    def before_websocket(self, f: T_before_request) -> T_before_request:
        """Register a function that runs before each websocket view.

        Args:
            f: Called without arguments. A return value that is not ``None`` refuses the websocket,
                and is the response.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.before_websocket_funcs).append(f)
        return f

    @setupmethod
    def after_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """Register a function that runs after each websocket view.

        Args:
            f: Gets the response of a refused websocket, otherwise ``None``, and returns the same.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.after_websocket_funcs).append(f)
        return f

    @setupmethod
    def teardown_websocket(self, f: T_teardown) -> T_teardown:
        """Register a function that runs at the end of each websocket's context, after errors too.

        Args:
            f: Gets the error, or ``None``; its return value is ignored.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.teardown_websocket_funcs).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Register a function that adds names to the context of every template.

        Args:
            f: Called without arguments; returns a dictionary.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.template_context_processors).append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Register a function that runs after matching, before the other hooks.

        Args:
            f: Gets the endpoint and the dictionary of the view's arguments, which it may change.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.url_value_preprocessors).append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Register a function that runs before each URL is built.

        Args:
            f: Gets the endpoint and the dictionary of values, to which it may add.

        Returns:
            ``f``, unchanged.
        """
        functions_of(self.url_default_functions).append(f)
        return f

    # -- error handlers ----------------------------------------------------------------------------

    @setupmethod
    def errorhandler(
        self, code_or_exception: type[Exception] | int
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as the handler of a status code or exception class.

        Args:
            code_or_exception: Status code of an HTTP error, or a subclass of ``Exception``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses, or an exception *object* was given.
            ValueError: The code is not that of an HTTP error, or the class not one of exceptions.
        """
        if inspect.isfunction(code_or_exception):
            _refuse_function("errorhandler", code_or_exception, "404")

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(
        self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable
    ) -> None:
        """Register a function as the handler of a status code or exception class.

        Args:
            code_or_exception: Status code of an HTTP error, or a subclass of ``Exception``.
            f: Gets the error, and returns a response like a view.

        Raises:
            ValueError: The code is not that of an HTTP error, or the class not one of exceptions.
            TypeError: An exception *object* was given.
        """
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        exc_class: type[Exception]
        if isinstance(exc_class_or_code, int):
            try:
                exc_class = default_exceptions[exc_class_or_code]
            except KeyError:
                raise ValueError(
                    f"{exc_class_or_code!r} is not the code of an HTTP error that can be handled."
                    " Use a code of 4xx or 5xx. Use a subclass of HTTPException for another one."
                ) from None
        else:
            exc_class = exc_class_or_code
        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Register its class,"
                f" {type(exc_class).__name__}, or a status code."
            )
        if not (isinstance(exc_class, type) and issubclass(exc_class, Exception)):
            raise ValueError(
                f"'{getattr(exc_class, '__name__', exc_class)}' is not a subclass of Exception."
                " Register an exception class or a status code."
            )
        if issubclass(exc_class, HTTPException):
            return exc_class, exc_class.code
        return exc_class, None


def endpoint_of(view_func: ft.RouteCallable | None) -> str:
    """Return the endpoint a view gets when none is given: its name."""
    if view_func is None:
        raise AssertionError(
            "A rule was added with neither `endpoint` nor `view_func`. Give one of the two."
        )
    return view_func.__name__


def _refuse_function(name: str, rule: object, example: str = "'/path'") -> None:
    """Refuse a view in the place of its rule, which would be a decorator that is never applied."""
    if inspect.isfunction(rule):
        raise TypeError(
            f"@{name} was written without parentheses, so {rule.__qualname__}() was given to it in"
            f" the place of {example}, and nothing would be registered.\n\n"
            f"    wrong: @app.{name}\n"
            f"    right: @app.{name}({example})"
        )
