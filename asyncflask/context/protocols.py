"""What a context asks of its app, and of the table of scope types."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from werkzeug.routing import MapAdapter

from ..concurrency.pool import WorkerPool
from ..concurrency.stopping import Stopping
from ..typing import RouteCallable, TeardownCallable
from ..wrappers.response.headers import WirePair
from .app_ctx_globals import _AppCtxGlobals


class ScopeTypeRow(Protocol):
    """What a context asks of its row in ``dispatch/scope_types.py``."""

    @property
    def name(self) -> str: ...

    @property
    def websocket(self) -> bool: ...

    @property
    def connect(self) -> Callable[[Any], Any]: ...

    @property
    def connect_sync(self) -> Callable[[Any], Any]: ...

    @property
    def handshake_headers(
        self,
    ) -> Callable[[Any], Awaitable[list[WirePair]]] | None: ...


class ContextApp(Protocol):
    """What a context asks of an app."""

    app_ctx_globals_class: type[_AppCtxGlobals]
    session_interface: Any  # a user's may be `async def`

    @property
    def workers(self) -> WorkerPool: ...

    @property
    def stopping(self) -> Stopping: ...

    @property
    def replaced_steps(self) -> frozenset[str]: ...

    @property
    def logger(self) -> logging.Logger: ...

    @property
    def view_functions(self) -> Mapping[str, RouteCallable]: ...

    @property
    def teardown_appcontext_funcs(self) -> list[TeardownCallable]: ...

    def app_context(self) -> Any: ...

    def should_ignore_error(self, error: BaseException | None) -> bool: ...

    def create_url_adapter(self, request: Any) -> MapAdapter | None: ...

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]: ...

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]: ...

    def teardown_context(
        self, ctx: Any, error: BaseException | None
    ) -> Coroutine[Any, Any, None]: ...
