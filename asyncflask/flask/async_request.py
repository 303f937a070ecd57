"""The awaitable request of a facade app: ``await asyncflask.request.form``.

Blueprints of :mod:`asyncflask` that are registered on a facade app use it. It reads through the
synchronous request of the context, so both share the body, the form and the limits. On an ASGI
server the reading is done in the request's worker thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from werkzeug.datastructures import EnvironHeaders, FileStorage, MultiDict
from werkzeug.utils import cached_property

from ..typing import Message
from ..wrappers.http_connection import lazy
from ..wrappers.request.body import Body
from ..wrappers.request.body_bytes import SLICE
from ..wrappers.request.request import Request
from ..wrappers.request.sync import CONTEXT_KEY
from ..wrappers.shared_attributes import NotingAttributes, SharedAttributes, is_value
from ..wsgi.scope import build_scope, kept_scope

T = TypeVar("T")
ParsedForm: TypeAlias = tuple[MultiDict[str, str], MultiDict[str, FileStorage]]

_FORM_AND_FILES = attrgetter("form", "files")


class FacadeContext(Protocol):
    """The attributes of a facade app's request context that are used here."""

    url_rule: Any
    view_args: Any
    routing_exception: Any
    app: Any
    lease: Any

    @property
    def wsgi_environ(self) -> dict[str, Any]: ...

    @property
    def request_or_websocket(self) -> Any: ...

    async def run_def(self, func: Callable[..., T], *args: Any) -> T: ...


class _Shared:
    """An attribute that the synchronous and the awaitable request have in common.

    Args:
        path: Attributes that lead to the synchronous request.
    """

    def __init__(self, path: str) -> None:
        self._find = attrgetter(path)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self.__doc__ = f"``{name}`` of the synchronous request."

    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else getattr(self._find(instance), self._name)

    def __set__(self, instance: object, value: object) -> None:
        setattr(self._find(instance), self._name, value)


class _Value:
    """A value of the head, such as ``remote_addr``: the synchronous request's, if it has one.

    It has those of its environ, what it has computed, and what users have set on either. The
    headers are those of ASGI, whose lines :meth:`~.RequestHeaders.getlist` has.

    Args:
        name: The attribute's name.
        own: The attribute of the awaitable request.
    """

    def __init__(self, name: str, own: Any) -> None:
        self._name = name
        self._own = own
        self.__doc__ = own.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        name, request = self._name, instance.sync_request
        kept = getattr(request, "__dict__", {})
        if name in kept and not isinstance(kept[name], EnvironHeaders):
            return kept[name]
        own = self._own
        if not isinstance(own, (lazy, cached_property)):
            return getattr(request, name, own)
        computed = vars(instance)
        if name not in computed:
            compute: Any = own.compute if isinstance(own, lazy) else own.fget
            computed[name] = compute(instance)
        return computed[name]

    def __set__(self, instance: Any, value: object) -> None:
        setattr(instance.sync_request, self._name, value)

    def __delete__(self, instance: Any) -> None:
        delattr(instance.sync_request, self._name)


def _share_values(cls: type[AwaitableRequest]) -> type[AwaitableRequest]:
    own = {*vars(cls), *vars(NotingAttributes)}
    for name in dir(Request):
        if name[0] != "_" and name not in own and is_value(Request, name):
            setattr(cls, name, _Value(name, inspect.getattr_static(Request, name)))
    return cls


@_share_values
class AwaitableRequest(SharedAttributes, Request):
    """The awaitable request of the async API over a synchronous one.

    Args:
        ctx: The context of the request.
    """

    max_content_length: Any = _Shared("_ctx.request")
    max_form_memory_size: Any = _Shared("_ctx.request")
    max_form_parts: Any = _Shared("_ctx.request")

    def __init__(self, ctx: FacadeContext) -> None:
        super().__init__(_View(ctx))
        self.share_attributes(ctx.request_or_websocket)

    @property
    def set_by_users(self) -> Any:  # type: ignore[override]  # nothing sets it
        """What the synchronous request keeps, as it is set there."""
        return getattr(self.sync_request, "__dict__", {})

    @property
    def sync_request(self) -> Any:
        """The synchronous request."""
        view: Any = self._ctx
        return view.request

    def is_of(self, request: object) -> bool:
        """Return whether this reads through a synchronous request.

        Args:
            request: The synchronous request.
        """
        return self.sync_request is request

    def _shared_body(self) -> Body:
        return cast(Body, self._ctx.made_body)

    async def load_form(self) -> ParsedForm:
        """Return the form and the uploads of the synchronous request, which parses them."""
        view: Any = self._ctx
        parsed: ParsedForm | None = view.made_body.form
        if parsed is None:
            parsed = await view.run(_FORM_AND_FILES, view.request)
        return parsed


class _View:
    """The context of the awaitable request, made from that of the synchronous one."""

    url_rule: Any = _Shared("request")
    view_args: Any = _Shared("request")
    routing_exception: Any = _Shared("request")
    header_names: Any = None

    def __init__(self, ctx: FacadeContext) -> None:
        # A request that was set on the context may have another environ.
        own = getattr(ctx.request_or_websocket, "environ", None)
        environ = own if isinstance(own, dict) else ctx.wsgi_environ
        served = environ.get(CONTEXT_KEY)
        self._ctx = ctx
        self.app = ctx.app
        self.request = ctx.request_or_websocket
        self.scope = kept_scope(environ) or build_scope(environ)
        self.receive: Any = None
        self.send: Any = getattr(served, "send", None)
        # It does not refer to this object: a cycle.
        self.made_body: Any = _SyncBody(ctx, self.request)

    async def run(self, func: Callable[..., T], *args: Any) -> T:
        """Call a function that may block.

        Args:
            func: The function.
            args: Its arguments.
        """
        return await _run_or_call(self._ctx, func, *args)


async def _run_or_call(ctx: FacadeContext, func: Callable[..., T], *args: Any) -> T:
    """Call a function that may block: in the request's worker if there is one, else here."""
    if ctx.lease is None:
        return func(*args)
    return await ctx.run_def(func, *args)


class _SyncBody(Body):
    """The body, read through the synchronous request.

    Args:
        ctx: The context of the request.
        request: The synchronous request.
    """

    def __init__(self, ctx: FacadeContext, request: Any) -> None:
        super().__init__(_never)
        self._asked = True  # No messages are received for it.
        self._ctx = ctx
        self._request = request

    @property
    def cached(self) -> bytes | None:
        """The whole body, once it was read and cached."""
        data: bytes | None = getattr(self._request, "_cached_data", None)
        return data

    @cached.setter
    def cached(self, data: bytes | None) -> None:
        self._request._cached_data = data

    @property
    def form(self) -> ParsedForm | None:
        """Fields and files, once they were parsed."""
        kept = vars(self._request)
        return (kept["form"], kept.get("files") or MultiDict()) if "form" in kept else None

    @form.setter
    def form(self, parsed: ParsedForm | None) -> None:
        assert parsed is not None
        vars(self._request).update(form=parsed[0], files=parsed[1])

    @property
    def begun(self) -> bool:
        """Whether some of the body has come: a form shows it, the bytes are counted elsewhere."""
        return self.form is not None and any(self.form)

    @property
    def json(self) -> tuple[Any, Any]:
        """The parsed JSON for ``silent=False`` and for ``silent=True``; ``...`` until then."""
        values: tuple[Any, Any] = self._request._cached_json
        return values

    @json.setter
    def json(self, values: tuple[Any, Any]) -> None:
        self._request._cached_json = values

    async def read_chunk(self) -> bytes:
        """Read the next piece; ``b""`` at the end."""
        data: bytes
        if self._left:
            data, self._left = self._left, b""
            return data
        if self.complete:
            return b""
        stream = self._request.stream
        data = await _run_or_call(self._ctx, getattr(stream, "read1", stream.read), SLICE)
        self.complete = not data
        return data


async def _never() -> Message:
    return {"type": "http.request"}
