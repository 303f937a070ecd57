"""How an app writes and reads JSON; replace the class to use another library.

The types beyond JSON's own (dates, decimals, UUIDs, dataclasses, ``__html__``) are converted in
:func:`default`. Requests read their body with ``app.json.loads``; a ``dict`` that a view returns
becomes a response with ``app.json.response``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import weakref
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import IO, Any, Protocol
from uuid import UUID

from werkzeug.http import http_date
from werkzeug.wrappers import Response

from .._fast.json_decoder import decode_bytes, decode_text
from .._fast.json_encoder import Write, make_encoder
from .._invalidation import Watching
from ..exceptions import missing_method
from ..typing import Overridable


class ProviderApp(Protocol):
    """What a provider uses of an app."""

    @property
    def debug(self) -> bool: ...

    @property
    def response_class(self) -> Callable[..., Response]: ...


class JSONProvider:
    """The JSON operations of an app; a subclass defines at least :meth:`dumps` and :meth:`loads`.

    Set ``app.json_provider_class`` or ``app.json`` to use another one.

    Args:
        app: The app, kept as a weak proxy in ``_app``.

    Source: ``Flask: json.provider.JSONProvider``.
    """

    def __init__(self, app: ProviderApp) -> None:
        self._app: ProviderApp = weakref.proxy(app)

    def dumps(self, obj: object, **kwargs: Any) -> str:
        """Return ``obj`` as JSON text.

        Args:
            obj: The value.
            kwargs: For the JSON library.

        Returns:
            The text.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise missing_method(self, "a JSON provider", "dumps(self, obj, **kwargs)")

    def dump(self, obj: object, fp: IO[str], **kwargs: Any) -> None:
        """Write ``obj`` as JSON to a file.

        Args:
            obj: The value.
            fp: A file open for text.
            kwargs: For :meth:`dumps`.
        """
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of JSON text.

        Args:
            s: Text or bytes.
            kwargs: For the JSON library.

        Returns:
            The value.

        Raises:
            NotImplementedError: A subclass has to define this method, and does not.
        """
        raise missing_method(self, "a JSON provider", "loads(self, s, **kwargs)")

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        """Return the value of the JSON in a file.

        Args:
            fp: A file open for text or bytes.
            kwargs: For :meth:`loads`.
        """
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if not kwargs:
            return args[0] if len(args) == 1 else (args or None)
        if args:
            # COMPAT: Flask's suite looks for "args or kwargs".
            raise TypeError(
                f"JSON is made of args or kwargs; {args!r} was given together with {kwargs!r}."
                " Give one value, or keywords for an object."
            )
        return kwargs

    def plain_writer(self) -> tuple[Write, str] | None:
        """Return a function that makes the body of :meth:`response`; ``None``: there is none."""
        return None

    def response(self, *args: Any, **kwargs: Any) -> Overridable[Response]:
        """Make a response of one value, of several as a list, or of keywords as an object.

        Args:
            args: The values.
            kwargs: Instead of ``args``: the members of an object.

        Returns:
            A response of the app's class.

        Raises:
            TypeError: Both ``args`` and ``kwargs`` are given.
        """
        text = self.dumps(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(text, mimetype="application/json")


def default(o: object) -> object:
    """Return the JSON form of an object that :mod:`json` does not know.

    Args:
        o: The object.

    Raises:
        TypeError: It has none.
    """
    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, (UUID, Decimal)):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    if isinstance(o, Awaitable):
        raise TypeError(f"{o!r} is in the data to be written as JSON. Await it there: `await ...`.")
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(
        f"Object of type {type(o).__name__} is not JSON serializable: {o!r}.\n\n"
        "Convert it first, or set app.json_provider_class to a subclass of DefaultJSONProvider"
        " with a `default` that converts it."
    )


#: What sessions and responses pass to dumps().
_COMPACT = {"separators": (",", ":")}


#: what the encoders of a provider depend on
_SETTINGS = frozenset(
    {
        *("compact", "default", "dump_bytes", "dumps", "ensure_ascii", "mimetype", "response"),
        *("sort_keys", "_prepare_response_obj"),
    }
)
#: Replaced when a setting is assigned on a class; encoders that were made before are out of date.
_epoch = object()


class DefaultJSONProvider(JSONProvider, Watching):
    """JSON with the standard library.

    Dates become HTTP dates; :class:`~uuid.UUID` and :class:`~decimal.Decimal` become strings;
    dataclasses become objects; objects with ``__html__`` (:class:`~markupsafe.Markup`) become that
    text.

    Source: ``Flask: json.provider.DefaultJSONProvider``.
    """

    default: Callable[[Any], Any] = staticmethod(default)
    """Converts an object that :mod:`json` does not know to one that it knows, or raises
    :class:`TypeError`."""

    ensure_ascii = True
    """Whether to escape what is not ASCII."""

    sort_keys = True
    """Whether to sort the members of objects; their keys must be strings then."""

    compact: bool | None = None
    """Whether :meth:`response` leaves out spaces and line breaks; ``None``: unless in debug."""

    mimetype = "application/json"
    """What :meth:`response` sends as ``Content-Type``."""

    #: Kept, because making an encoder takes more than encoding a usual value.
    _kept: _Encoders | None = None

    _watched = _SETTINGS

    def refresh_cached(self) -> None:
        self._kept = None

    @classmethod
    def _refresh_all(cls) -> None:
        global _epoch
        _epoch = object()

    def _encoders(self) -> _Encoders:
        kept = self._kept
        if kept is None or kept.epoch is not _epoch:
            kept = self._kept = _Encoders(self)
        return kept

    def dumps(self, obj: object, **kwargs: Any) -> str:
        """Return ``obj`` as JSON text.

        Args:
            obj: The value.
            kwargs: For :func:`json.dumps`; :attr:`default`, :attr:`ensure_ascii` and
                :attr:`sort_keys` are their defaults.

        Raises:
            TypeError: Something in ``obj`` has no JSON form.
            ValueError: ``obj`` contains itself.
        """
        if kwargs == _COMPACT:
            return self._encoders().compact(obj)
        if not kwargs:
            return self._encoders().spaced(obj)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        kwargs.setdefault("default", self.default)
        return json.dumps(obj, **kwargs)

    def plain_writer(self) -> tuple[Write, str] | None:
        """Return a function that makes the body of :meth:`response`, and the media type.

        Returns:
            Both; ``None`` if a subclass has its own :meth:`response` or :meth:`dumps`, or if the
            body is indented.
        """
        kept = self._kept
        # PERF: as in _encoders(), whose call takes 1 % of a request that answers with JSON.
        if kept is None or kept.epoch is not _epoch:
            kept = self._encoders()
        return None if kept.asks_debug and self._app.debug else kept.writer

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of JSON text.

        Args:
            s: Text, or bytes in UTF-8, UTF-16 or UTF-32 (no other encoding is guessed).
            kwargs: For :func:`json.loads`.

        Raises:
            ValueError: It is not JSON.
        """
        if not kwargs:
            value = decode_bytes(s) if isinstance(s, bytes) else decode_text(s)
            if value is not None:
                return value
        return json.loads(s, **kwargs)

    def dump_bytes(self, obj: object) -> bytes:
        """Return the body that :meth:`response` makes of a value.

        Args:
            obj: The value.

        Raises:
            TypeError: Something in ``obj`` has no JSON form.
        """
        compact = self.compact
        if compact is None:
            compact = not self._app.debug
        if compact:
            return f"{self.dumps(obj, separators=(',', ':'))}\n".encode()
        return f"{self.dumps(obj, indent=2)}\n".encode()

    def response(self, *args: Any, **kwargs: Any) -> Overridable[Response]:
        """Make a response of one value, of several as a list, or of keywords as an object.

        It is indented in debug mode, else compact; see :attr:`compact` and :attr:`mimetype`.

        Args:
            args: The values.
            kwargs: Instead of ``args``: the members of an object.

        Returns:
            A response of the app's class.

        Raises:
            TypeError: Both ``args`` and ``kwargs`` are given, or something has no JSON form.
        """
        body = self.dump_bytes(self._prepare_response_obj(args, kwargs))
        cls = self._app.response_class
        if getattr(cls, "has_quick_constructor", False):
            return cls(body, mimetype=self.mimetype)
        return cls(body.decode(), mimetype=self.mimetype)  # COMPAT: its constructor expects text.


#: the methods that make a body, as they are here: a test may replace one on the class
_OWN_METHODS = {
    name: getattr(DefaultJSONProvider, name)
    for name in ("dumps", "response", "dump_bytes", "_prepare_response_obj")
}


class _Encoders:
    """The encoders of a provider, made once for its settings.

    Args:
        provider: The provider.
    """

    __slots__ = ("asks_debug", "compact", "epoch", "spaced", "writer")

    def __init__(self, provider: DefaultJSONProvider) -> None:
        #: The epoch that this is good for; `None`: for one call.
        self.epoch = None if _has_computed_settings(type(provider)) else _epoch
        make = functools.partial(
            make_encoder,
            ensure_ascii=provider.ensure_ascii,
            sort_keys=provider.sort_keys,
            default=provider.default,
        )
        self.compact, write = make(separators=(",", ":"))
        self.spaced, _ = make(separators=(", ", ": "))
        #: Whether the body of a response depends on the app's debug mode.
        self.asks_debug = provider.compact is None
        #: What makes the body of a response, and its media type, if these methods are unchanged.
        self.writer: tuple[Write, str] | None = None
        if (
            all(_is_method(getattr(provider, name), own) for name, own in _OWN_METHODS.items())
            and provider.compact is not False
        ):
            self.writer = write, provider.mimetype


def _has_computed_settings(cls: type) -> bool:
    """Return whether a setting of a provider class is a property, which may change at any time."""
    return any(isinstance(inspect.getattr_static(cls, name), property) for name in _SETTINGS)


def _is_method(method: object, function: object) -> bool:
    """Return whether an object's method is a given function, neither overridden nor assigned.

    Args:
        method: The method, read from the object.
        function: The function, read from the class that defines it.
    """
    return getattr(method, "__func__", None) is function
