"""The types that users and our own signatures share; nothing here runs.

Names are Flask's (``flask.typing``), each widened by its ``async def`` form, and the ASGI types.
"""

from __future__ import annotations

import os
from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any, TypeVar, Union

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.datastructures import Headers
    from werkzeug.sansio.response import Response

# -- ASGI 3 ----------------------------------------------------------------------------------------

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

# -- what a view may return (Flask: flask.typing) --------------------------------------------------

ResponseValue = Union[
    "Response",
    str,
    bytes,
    list[Any],
    Mapping[str, Any],
    Iterator[str],
    Iterator[bytes],
    AsyncIterable[str],
    AsyncIterable[bytes],
    Iterable[Any],
    "WSGIApplication",
]
HeaderValue = str | list[str] | tuple[str, ...]
HeadersValue = Union[
    "Headers",
    Mapping[str, HeaderValue],
    Sequence[tuple[str, HeaderValue]],
]
StatusCode = int
ResponseReturnValue = (
    ResponseValue
    | tuple[ResponseValue, HeadersValue]
    | tuple[ResponseValue, StatusCode]
    | tuple[ResponseValue, StatusCode, HeadersValue]
)
ResponseClass = TypeVar("ResponseClass", bound="Response")
ResponseTypes = Union["Response"]  # Quart's name; ours and Werkzeug's have this base class.

# -- callables that users register -----------------------------------------------------------------

AfterRequestCallable = Callable[[Any], Any] | Callable[[Any], Awaitable[Any]]
AfterWebsocketCallable = Callable[[Any], Any] | Callable[[Any], Awaitable[Any]]
AppOrBlueprintKey = str | None
BeforeFirstRequestCallable = Callable[[], None] | Callable[[], Awaitable[None]]
BeforeRequestCallable = (
    Callable[[], ResponseReturnValue | None] | Callable[[], Awaitable[ResponseReturnValue | None]]
)
BeforeServingCallable = Callable[[], None] | Callable[[], Awaitable[None]]
AfterServingCallable = BeforeServingCallable
BeforeWebsocketCallable = BeforeRequestCallable
ErrorHandlerCallable = Callable[[Any], Any] | Callable[[Any], Awaitable[Any]]
RouteCallable = Callable[..., Any]
ShellContextProcessorCallable = Callable[[], dict[str, Any]]
TeardownCallable = Callable[[BaseException | None], Any]
TemplateContextProcessorCallable = (
    Callable[[], dict[str, Any]] | Callable[[], Awaitable[dict[str, Any]]]
)
TemplateFilterCallable = Callable[..., Any]
TemplateGlobalCallable = Callable[..., Any]
TemplateTestCallable = Callable[..., bool]
URLDefaultCallable = Callable[[str, dict[str, Any]], None]
URLValuePreprocessorCallable = Callable[[str | None, dict[str, Any] | None], None]
WebsocketCallable = Callable[..., Any]
WhileServingCallable = Callable[[], AsyncIterable[None]]
FilePath = str | os.PathLike[str]
