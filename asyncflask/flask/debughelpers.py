"""Explanations in debug mode. (Flask: flask.debughelpers.)"""

from __future__ import annotations

from ..debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
)
from ..templating import (
    explain_template_loading_attempts,
)

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]
