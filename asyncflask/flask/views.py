"""Class-based views: the async API's, called as in Flask. (Flask: flask.views.)

The view function is always ``def``. The app's ``ensure_sync()`` is asked for ``dispatch_request()``
and for the method of a verb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import views as async_api
from ..sansio.setupmethod import F
from ..views import http_method_funcs
from .globals import current_app as current_app
from .globals import request as request

if TYPE_CHECKING:
    from ..typing import ResponseReturnValue

__all__ = [
    "F",
    "MethodView",
    "View",
    "http_method_funcs",
]


class View(async_api.View):
    """See :class:`asyncflask.views.View`. Source: ``Flask: views.View``."""

    if TYPE_CHECKING:

        def dispatch_request(self) -> ResponseReturnValue:
            """Answer the request; a subclass has it."""

    @classmethod
    def _is_async(cls) -> bool:
        return False


class MethodView(async_api.MethodView, View):
    """See :class:`asyncflask.views.MethodView`. Source: ``Flask: views.MethodView``."""

    if TYPE_CHECKING:

        def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
            """Answer the request with the method of its verb."""

    @classmethod
    def _is_async(cls) -> bool:
        return False
