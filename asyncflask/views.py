"""Views as classes: a class per view (:class:`View`), or a method per verb (:class:`MethodView`).

The view function of a class is ``def`` or ``async def`` as its methods are (design D2). What is
``def`` may block and runs in the request's worker thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, ClassVar

from werkzeug.exceptions import MethodNotAllowed

from . import typing as ft
from ._contextvars import current
from .concurrency.inspection import is_async

http_method_funcs = frozenset(["get", "post", "head", "options", "delete", "put", "trace", "patch"])


class View:
    """A view as a class: override :meth:`dispatch_request`, register what :meth:`as_view` returns.

    ``app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello"))``

    Source: ``Flask: views.View``.
    """

    methods: ClassVar[Collection[str] | None] = None
    """The HTTP methods it answers; ``None`` for ``add_url_rule``'s own default."""

    provide_automatic_options: ClassVar[bool | None] = None
    """Whether ``OPTIONS`` is answered automatically; ``None`` for the app's default."""

    decorators: ClassVar[list[Callable[..., Any]]] = []
    """Applied to the view function, the first one first (as the lowest decorator of a ``def``). A
    decorator of the class itself is not applied to the view function."""

    init_every_request: ClassVar[bool] = True
    """Whether each request gets its own instance. One instance for all is faster, but then data of
    a request must not be kept on ``self``; use ``g``."""

    _async_view: ClassVar[bool] = False

    def dispatch_request(self) -> ft.ResponseReturnValue | Awaitable[ft.ResponseReturnValue]:
        """Answer the request; the variables of the URL are keyword arguments.

        Override it as ``def`` or ``async def``.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no dispatch_request() of its own, which a View needs to"
            " answer a request.\n\nDefine it there: async def dispatch_request(self, ...): ..."
        )

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> ft.RouteCallable:
        """Make the view function.

        It is ``async def`` if :meth:`dispatch_request` is, for a :class:`MethodView` if a verb is.

        Args:
            name: Its name, which becomes the endpoint.
            class_args: Arguments of the class.
            class_kwargs: Its keyword arguments.

        Source: ``Flask: views.View.as_view``.
        """
        # COMPAT: extensions read the closure, whose names are Flask's.
        cls._async_view = cls._is_async()
        view: Any
        if not cls.init_every_request:
            view = _view_of(cls(*class_args, **class_kwargs), cls._async_view)
        elif cls._async_view:

            async def view(**kwargs: Any) -> ft.ResponseReturnValue:
                # Read from the function, so that a test may set another class.
                self = view.view_class(*class_args, **class_kwargs)
                answer: ft.ResponseReturnValue = await self.dispatch_request(**kwargs)
                return answer

        else:

            def view(**kwargs: Any) -> ft.ResponseReturnValue:
                self = view.view_class(*class_args, **class_kwargs)
                return _dispatch_in_place(self, kwargs)

        if cls.decorators:
            _name(view, cls, name)
            for decorator in cls.decorators:
                view = decorator(view)
        view.view_class = cls
        _name(view, cls, name)
        view.__doc__ = cls.__doc__
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        function: ft.RouteCallable = view
        return function

    @classmethod
    def _is_async(cls) -> bool:
        return is_async(cls.dispatch_request)


def _view_of(self: View, is_async: bool) -> ft.RouteCallable:
    """Make the view function of an instance that answers every request."""
    if not is_async:

        def view(**kwargs: Any) -> ft.ResponseReturnValue:
            return _dispatch_in_place(self, kwargs)

        return view

    async def async_view(**kwargs: Any) -> ft.ResponseReturnValue:
        dispatch: Callable[..., Any] = self.dispatch_request
        answer: ft.ResponseReturnValue = await dispatch(**kwargs)
        return answer

    return async_view


def _dispatch_in_place(view: View, kwargs: dict[str, Any]) -> ft.ResponseReturnValue:
    """Call a view's ``dispatch_request()`` through the app's ``ensure_sync()``, as Flask does."""
    ctx: Any = current()
    dispatch: Callable[..., Any] = view.dispatch_request
    if ctx is not None:
        dispatch = ctx.app.ensure_sync(dispatch)
    answer: ft.ResponseReturnValue = dispatch(**kwargs)
    return answer


def _name(view: Callable[..., object], cls: type[View], name: str) -> None:
    view.__name__ = name
    view.__module__ = cls.__module__


class MethodView(View):
    """A view as a class with a method for each HTTP method: ``get()`` answers ``GET``.

    :attr:`methods` is made of the methods that are defined. Some may be ``def``, others
    ``async def``.

    Source: ``Flask: views.MethodView``.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" not in cls.__dict__:
            inherited = (getattr(base, "methods", None) or () for base in cls.__bases__)
            methods = {method for methods in inherited for method in methods}
            methods.update(verb.upper() for verb in http_method_funcs if hasattr(cls, verb))
            if methods:
                cls.methods = methods
        cls._async_view = cls._is_async()

    @classmethod
    def _is_async(cls) -> bool:
        if cls.dispatch_request is not MethodView.dispatch_request:
            return is_async(cls.dispatch_request)
        return any(is_async(verb) for verb in map(cls._find, cls._verbs()) if verb is not None)

    @classmethod
    def _verbs(cls) -> frozenset[str]:
        """Return the names of methods that a request may call."""
        return http_method_funcs.union(method.lower() for method in cls.methods or ())

    @classmethod
    def _find(cls, verb: str) -> Callable[..., Any] | None:
        # SECURITY: the client names the method; `__INIT__` or `AS_VIEW` must not reach an attribute
        # that is no verb (Starlette's HTTPEndpoint looked up any name).
        if verb not in http_method_funcs and (
            verb not in cls._verbs() or verb.startswith("_") or hasattr(View, verb)
        ):
            return None
        return getattr(cls, verb, None)

    def _further_verb(self, request: Any) -> str:
        """Return the name of a method of the object itself, or of a verb that only the rule names.

        Raises:
            MethodNotAllowed: There is none.
        """
        rule = request.url_rule
        verbs = (request.method.lower(), "get" if request.method == "HEAD" else "")
        for verb in verbs if rule is not None and request.method in (rule.methods or ()) else ():
            # SECURITY: as in `_find`.
            if not verb.startswith("_") and not hasattr(View, verb) and hasattr(self, verb):
                return verb
        raise MethodNotAllowed(valid_methods=sorted(self.methods or ()))

    def dispatch_request(self, **kwargs: Any) -> Any:
        """Answer the request with the method of its verb; ``HEAD`` falls back to ``get()``.

        Args:
            kwargs: The variables of the URL.

        Returns:
            What the method returned.

        Raises:
            MethodNotAllowed: There is none (405).
        """
        ctx: Any = current()
        method: str = ctx.request.method
        verb = method.lower()
        if method == "HEAD" and self._find(verb) is None:
            verb = "get"
        if self._find(verb) is None:
            verb = self._further_verb(ctx.request)
        answer = getattr(self, verb)
        if not self._async_view:
            answer = ctx.app.ensure_sync(answer)
        elif not is_async(answer):  # The view function that calls this awaits the result.
            answer = ctx.app.ensure_async(answer)
        return answer(**kwargs)
