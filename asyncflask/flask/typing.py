"""Types. (Flask: flask.typing.)"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..typing import (
    AppOrBlueprintKey,
    BeforeFirstRequestCallable,
    BeforeRequestCallable,
    ErrorHandlerCallable,
    HeadersValue,
    HeaderValue,
    ResponseClass,
    ResponseReturnValue,
    ResponseValue,
    RouteCallable,
    ShellContextProcessorCallable,
    TeardownCallable,
    TemplateContextProcessorCallable,
    TemplateFilterCallable,
    TemplateGlobalCallable,
    TemplateTestCallable,
    URLDefaultCallable,
    URLValuePreprocessorCallable,
)

# With a parameter, as Flask's: ``AfterRequestCallable[Response]``.
AfterRequestCallable = (
    Callable[[ResponseClass], ResponseClass] | Callable[[ResponseClass], Awaitable[ResponseClass]]
)

__all__ = [
    "AfterRequestCallable",
    "AppOrBlueprintKey",
    "BeforeFirstRequestCallable",
    "BeforeRequestCallable",
    "ErrorHandlerCallable",
    "HeaderValue",
    "HeadersValue",
    "ResponseClass",
    "ResponseReturnValue",
    "ResponseValue",
    "RouteCallable",
    "ShellContextProcessorCallable",
    "TeardownCallable",
    "TemplateContextProcessorCallable",
    "TemplateFilterCallable",
    "TemplateGlobalCallable",
    "TemplateTestCallable",
    "URLDefaultCallable",
    "URLValuePreprocessorCallable",
]
