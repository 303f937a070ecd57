"""What dispatching asks of an app. The classes of apps are in folders that import this one.

Methods that stand for a step return ``Any``: a subclass may write them as ``def`` or as ``async
def`` (``steps.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, Map, MapAdapter

from .. import typing as ft
from ..concurrency.stopping import Stopping
from ..config import Config
from ..context import Context, ContextApp
from ..json.provider import JSONProvider
from ..wrappers import Response

if TYPE_CHECKING:
    from ..debug.debugger import Debugger
    from ..wsgi.mount import Mount
    from .plan import PlanCache

#: What is sent for a request: a response, or the messages of one that no other code has to read;
#: ``None`` for a websocket that is not refused.
Answer: TypeAlias = Response | tuple[ft.Message, ft.Message] | None
#: what a view or an error handler returned, or an HTTP error that is its own response
Result: TypeAlias = ft.ResponseReturnValue | HTTPException
#: a method that a subclass may write as ``def`` or as ``async def``
Step: TypeAlias = Callable[..., Any]


class RespondingApp(Protocol):
    """What makes a response of a view's result asks of an app."""

    @property
    def response_class(self) -> type[Response]: ...
    @property
    def json(self) -> JSONProvider: ...


class LinkingApp(ContextApp, Protocol):
    """What building a URL, and matching one, asks of an app."""

    subdomain_matching: bool

    @property
    def config(self) -> Config: ...
    @property
    def url_map(self) -> Map: ...
    @property
    def url_default_functions(self) -> Mapping[str | None, list[ft.URLDefaultCallable]]: ...
    @property
    def url_build_error_handlers(
        self,
    ) -> list[Callable[[Exception, str, dict[str, Any]], str]]: ...

    def create_url_adapter(self, request: Any) -> MapAdapter | None: ...
    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None: ...
    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, Any]
    ) -> str: ...


class ServedApp(RespondingApp, LinkingApp, Protocol):
    """What serving a connection asks of an app."""

    use_debugger: bool
    #: whether a websocket whose client leaves ends with the error, without "after" functions
    is_left_by_cancelling: bool
    background_tasks: set[asyncio.Task[None]]
    lifespan_state: dict[str, Any]
    has_started: bool
    serving_generators: list[list[AsyncIterator[None]]]

    @property
    def name(self) -> str: ...
    @property
    def debug(self) -> bool: ...
    @property
    def testing(self) -> bool: ...
    @property
    def plans(self) -> PlanCache: ...
    @property
    def request_class(self) -> object: ...
    @property
    def sync_request_class(self) -> object: ...
    @property
    def view_functions(self) -> dict[str, ft.RouteCallable]: ...
    @property
    def error_handler_spec(
        self,
    ) -> Mapping[
        str | None,
        Mapping[int | None, Mapping[type[Exception], ft.ErrorHandlerCallable]],
    ]: ...
    @property
    def url_value_preprocessors(
        self,
    ) -> dict[str | None, list[ft.URLValuePreprocessorCallable]]: ...
    @property
    def debugger(self) -> Debugger: ...
    @property
    def stopping(self) -> Stopping: ...
    @property
    def mounts(self) -> list[Mount]: ...
    @property
    def before_serving_funcs(self) -> list[ft.BeforeServingCallable]: ...
    @property
    def while_serving_gens(self) -> list[ft.WhileServingCallable]: ...
    @property
    def after_serving_funcs(self) -> list[ft.AfterServingCallable]: ...

    async def asgi_app(self, scope: ft.Scope, receive: ft.Receive, send: ft.Send) -> None: ...
    async def startup(self) -> None: ...
    async def shutdown(self) -> None: ...
    def app_context(self) -> Context: ...
    def trap_http_exception(self, e: Exception) -> bool: ...
    def log_exception(self, exc_info: ft.ExcInfo) -> None: ...
    def make_response(self, rv: Any) -> Response: ...
    def make_default_options_response(self) -> Response: ...
    def raise_routing_exception(self, request: Any) -> NoReturn: ...
    @property
    def handle_exception(self) -> Step: ...
    @property
    def handle_http_exception(self) -> Step: ...
    @property
    def handle_user_exception(self) -> Step: ...
    @property
    def do_teardown_appcontext(self) -> Step: ...
    def end_setup(self) -> None: ...
    @property
    def connection_contexts(self) -> Mapping[str, Callable[..., Context]]: ...
    def make_connection_context(
        self, name: str, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Context: ...
    def answer_failure(self, ctx: Context, error: BaseException) -> Response | None: ...
