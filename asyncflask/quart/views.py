"""Class-based views: the async API's, whose ``dispatch_request`` is awaited."""

from __future__ import annotations

from typing import Any, cast

from .. import views as async_api
from ..views import http_method_funcs as http_method_funcs
from .typing import ResponseReturnValue


class View(async_api.View):
    """A view as a class: override :meth:`dispatch_request`.

    Source: ``Quart: views.View``.
    """

    async def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        """Answer the request.

        Args:
            kwargs: The variables of the URL.

        Returns:
            What a view may return.
        """
        return cast(ResponseReturnValue, super().dispatch_request())


class MethodView(async_api.MethodView, View):
    """A view as a class with a method for each HTTP method.

    Source: ``Quart: views.MethodView``.
    """

    async def dispatch_request(self, **kwargs: Any) -> ResponseReturnValue:
        """Answer the request with the method of its verb; ``HEAD`` falls back to ``get()``.

        Args:
            kwargs: The variables of the URL.

        Returns:
            What the method returned.

        Raises:
            MethodNotAllowed: There is none (405).
        """
        answer = await async_api.MethodView.dispatch_request(self, **kwargs)
        return cast(ResponseReturnValue, answer)
