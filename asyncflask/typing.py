"""The types that users and our own signatures share; nothing here runs.

Names are Flask's (``flask.typing``), each widened by its ``async def`` form, and the ASGI types.
"""

from __future__ import annotations

import os
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from types import TracebackType
from typing import Any, TypeAlias, TypeVar
from wsgiref.types import WSGIApplication

from werkzeug.datastructures import Headers
from werkzeug.sansio.response import Response

# -- ASGI 3 ----------------------------------------------------------------------------------------

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: for the methods that an override may give a type of its own for each message, as servers have
AnyReceive = Callable[[], Awaitable[Any]]
AnySend = Callable[[Any], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

# -- what a view may return (Flask: flask.typing) --------------------------------------------------

ResponseValue = (
    Response
    | str
    | bytes
    | list[Any]
    | Mapping[str, Any]
    | Iterator[str]
    | Iterator[bytes]
    | AsyncIterable[str]
    | AsyncIterable[bytes]
    | Iterable[Any]
    | WSGIApplication
)
HeaderValue = str | list[str] | tuple[str, ...]
HeadersValue = Headers | Mapping[str, HeaderValue] | Sequence[tuple[str, HeaderValue]]
StatusCode = int
ResponseReturnValue = (
    ResponseValue
    | tuple[ResponseValue, HeadersValue]
    | tuple[ResponseValue, StatusCode]
    | tuple[ResponseValue, StatusCode, HeadersValue]
)
ResponseClass = TypeVar("ResponseClass", bound=Response)
ResponseTypes = Response  # Quart's name; ours and Werkzeug's have this base class.

T = TypeVar("T")
#: What a method returns, where an override may return another type: Quart's methods are awaited.
Overridable: TypeAlias = T | Any

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

# -- callables that users register -----------------------------------------------------------------

AfterRequestCallable = Callable[[Any], Response] | Callable[[Any], Awaitable[Response]]
AfterWebsocketCallable = (
    Callable[[Any], Response | None] | Callable[[Any], Awaitable[Response | None]]
)
AppOrBlueprintKey = str | None
BeforeFirstRequestCallable = Callable[[], None] | Callable[[], Awaitable[None]]
BeforeRequestCallable = (
    Callable[[], ResponseReturnValue | None] | Callable[[], Awaitable[ResponseReturnValue | None]]
)
BeforeServingCallable = Callable[[], None] | Callable[[], Awaitable[None]]
AfterServingCallable = BeforeServingCallable
BeforeWebsocketCallable = BeforeRequestCallable
ErrorHandlerCallable = (
    Callable[[Any], ResponseReturnValue] | Callable[[Any], Awaitable[ResponseReturnValue]]
)
RouteCallable = Callable[..., ResponseReturnValue] | Callable[..., Awaitable[ResponseReturnValue]]
ShellContextProcessorCallable = Callable[[], dict[str, Any]]
TeardownCallable = (
    Callable[[BaseException | None], None] | Callable[[BaseException | None], Awaitable[None]]
)
TemplateContextProcessorCallable = (
    Callable[[], dict[str, Any]] | Callable[[], Awaitable[dict[str, Any]]]
)
TemplateFilterCallable = Callable[..., Any]
TemplateGlobalCallable = Callable[..., Any]
TemplateTestCallable = Callable[..., bool]
URLDefaultCallable = Callable[[str, dict[str, Any]], None]
URLValuePreprocessorCallable = (
    Callable[[str | None, dict[str, Any] | None], None]
    | Callable[[str | None, dict[str, Any] | None], Awaitable[None]]
)
WebsocketCallable = (
    Callable[..., ResponseReturnValue | None] | Callable[..., Awaitable[ResponseReturnValue | None]]
)
WhileServingCallable = Callable[[], AsyncIterator[None]]
FilePath = str | os.PathLike[str]
