"""Types. (Flask: flask.typing.)"""

from __future__ import annotations

from ..typing import (
    AfterRequestCallable,
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
