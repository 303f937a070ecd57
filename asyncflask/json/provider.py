"""How an app writes and reads JSON; swap the class to use another library.

The types beyond JSON's own (dates, decimals, UUIDs, dataclasses, ``__html__``) are decided in
:func:`_default`. Requests read their body through ``app.json.loads`` and dispatch answers a
returned ``dict`` through ``app.json.response``; neither is here.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from json import encoder as _encoder
from typing import IO, Any, Protocol
from uuid import UUID

from werkzeug.http import http_date

from ..watching import Watching
from . import keeping

Encode = Callable[[Any], str]
Write = Callable[[Any], bytes]


class ProviderApp(Protocol):
    """What a provider asks of an app."""

    @property
    def debug(self) -> bool: ...

    @property
    def response_class(self) -> Callable[..., Any]: ...


class JSONProvider:
    """The JSON operations of an app; a subclass gives at least :meth:`dumps` and :meth:`loads`.

    Set ``app.json_provider_class`` or ``app.json`` to use one of your own.

    Args:
        app: Kept as a weak proxy in ``_app``.

    Source: ``Flask: json.provider.JSONProvider``.
    """

    def __init__(self, app: ProviderApp) -> None:
        self._app: ProviderApp = weakref.proxy(app)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return ``obj`` as JSON text.

        Args:
            obj: What to write.
            kwargs: For the library underneath.
        """
        raise NotImplementedError(_must_define(self, "dumps", "obj, **kwargs"))

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        """Write ``obj`` as JSON to a text file."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what JSON text says.

        Args:
            s: Text or bytes.
            kwargs: For the library underneath.
        """
        raise NotImplementedError(_must_define(self, "loads", "s, **kwargs"))

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        """Return what the JSON in a file says."""
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not kwargs:
            return args[0] if len(args) == 1 else (args or None)
        if args:
            # COMPAT: Flask's suite looks for "args or kwargs".
            raise TypeError(
                f"JSON is made of args or kwargs; {args!r} was given together with {kwargs!r}."
                " Give one value, or keywords for an object."
            )
        return kwargs

    def compact_encode(self) -> Encode | None:
        """Return what does the same as :meth:`dumps` with the separators of sessions: nothing."""
        return None

    def plain_writer(self) -> tuple[Write, str] | None:
        """Return what makes the body of :meth:`response` without it: nothing."""
        return None

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Make a response of one value, of several as a list, or of keywords as an object.

        Raises:
            TypeError: Both ``args`` and ``kwargs`` are given.
        """
        text = self.dumps(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(text, mimetype="application/json")


def _must_define(provider: JSONProvider, name: str, parameters: str) -> str:
    return (
        f"{type(provider).__name__} has no {name}() of its own, which a JSON provider needs.\n\n"
        f"Define it: def {name}(self, {parameters}): ..."
    )


def _default(o: Any) -> Any:
    """Give the JSON form of what :mod:`json` does not know.

    Raises:
        TypeError: There is none.
    """
    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, UUID) or _is_decimal(o):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    if isinstance(o, Awaitable):
        raise TypeError(
            f"{o!r} stands in the data that was to be written as JSON. Await it there: `await ...`."
        )
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(
        f"Object of type {type(o).__name__} is not JSON serializable: {o!r}.\n\n"
        "Convert it before, or teach the app: a subclass of DefaultJSONProvider with its own"
        " `default`, set as app.json_provider_class."
    )


def _is_decimal(o: Any) -> bool:
    # PERF: 1 ms of the import; before somebody else imported it, there is no decimal.
    decimal = sys.modules.get("decimal")
    return decimal is not None and isinstance(o, decimal.Decimal)


_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # the stub forgets it

_COMPACT = {"separators": (",", ":")}  # what sessions and responses pass to dumps()


class DefaultJSONProvider(JSONProvider, Watching):
    """JSON with the standard library.

    Dates become HTTP dates, :class:`~uuid.UUID` and :class:`~decimal.Decimal` strings, dataclasses
    objects, and what has ``__html__`` (:class:`~markupsafe.Markup`) that text.

    Source: ``Flask: json.provider.DefaultJSONProvider``.
    """

    default: Callable[[Any], Any] = staticmethod(_default)
    """Takes an object that :mod:`json` does not know; returns one that it does, or raises
    :class:`TypeError`."""

    ensure_ascii = True
    """Whether to escape what is not ASCII."""

    sort_keys = True
    """Whether to sort the members of objects; their keys must be strings then."""

    compact: bool | None = None
    """Whether :meth:`response` leaves out spaces and line breaks; ``None``: unless in debug."""

    mimetype = "application/json"
    """What :meth:`response` sends as ``Content-Type``."""

    #: PERF: making an encoder for each call costs more than encoding does.
    _kept: _Encoders | None = None

    _watched = keeping.SETTINGS

    def _look_anew(self) -> None:
        self._kept = None

    @classmethod
    def _look_all_anew(cls) -> None:
        keeping.begin_anew()

    def _encoders(self) -> _Encoders:
        kept = self._kept
        if kept is None or kept.epoch is not keeping.epoch:
            kept = self._kept = _Encoders(self)
        return kept

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return ``obj`` as JSON text.

        Args:
            obj: What to write.
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

    def compact_encode(self) -> Encode | None:
        """Return what :meth:`dumps` does, given the separators of sessions and responses.

        ``None`` if :meth:`dumps` is somebody's own.
        """
        kept = self._encoders()
        return kept.compact if kept.own_dumps else None

    def plain_writer(self) -> tuple[Write, str] | None:
        """Return what makes the body that :meth:`response` gives a value, and its media type.

        For whoever makes the response around it more cheaply. ``None`` if :meth:`response` or
        :meth:`dumps` is somebody's own, or the body is to be indented.
        """
        kept = self._kept
        if kept is None or kept.epoch is not keeping.epoch:  # PERF: as in _encoders(), uncalled.
            kept = self._encoders()
        return None if kept.asks_debug and self._app.debug else kept.writer

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what JSON text says.

        Args:
            s: Text, or bytes in UTF-8, UTF-16 or UTF-32 (no other encoding is guessed).
            kwargs: For :func:`json.loads`.

        Raises:
            ValueError: It is not JSON.
        """
        # PERF: json.loads() guesses the encoding and looks for spaces at both ends, in 1.4 µs.
        if not kwargs and s.__class__ is bytes:
            try:
                text = s.decode("utf-8", "surrogatepass")
                value, end = _scan(text, 0)
            except (UnicodeDecodeError, StopIteration):
                pass  # json.loads() finds another encoding, or says what is wrong and where.
            except ValueError:
                # No text is parsed twice to be refused. JSON in UTF-16 or UTF-32 has a NUL here.
                if b"\0" not in s[:4]:
                    raise
            else:
                if end == len(text) or not text[end:].strip(" \t\n\r"):
                    return value
        return json.loads(s, **kwargs)

    def dump_bytes(self, obj: Any) -> bytes:
        """Return the body that :meth:`response` gives ``obj``.

        For whoever makes the response around it more cheaply; right only where a subclass has not
        replaced :meth:`response`.
        """
        compact = self.compact
        if compact is None:
            compact = not self._app.debug
        if compact:
            return f"{self.dumps(obj, separators=(',', ':'))}\n".encode()
        return f"{self.dumps(obj, indent=2)}\n".encode()

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """Make a response of one value, of several as a list, or of keywords as an object.

        Indented in debug mode, else compact; see :attr:`compact` and :attr:`mimetype`.

        Raises:
            TypeError: Both ``args`` and ``kwargs`` are given, or something has no JSON form.
        """
        body = self.dump_bytes(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(body, mimetype=self.mimetype)


class _Encoders:
    """What a provider writes with, while its settings stay.

    Args:
        provider: The provider.
    """

    __slots__ = ("asks_debug", "compact", "epoch", "own_dumps", "spaced", "writer")

    def __init__(self, provider: DefaultJSONProvider) -> None:
        cls = type(provider)
        #: Of what was assigned on classes until now; without, this is for one call.
        self.epoch = keeping.epoch if keeping.can_be_kept(cls) else None
        settings = (provider.ensure_ascii, provider.sort_keys, provider.default)
        compact = _Encoding(*settings, (",", ":"))
        self.compact = _make_encode(compact)
        self.spaced = _make_encode(_Encoding(*settings, (", ", ": ")))
        #: Whether `dumps` is not somebody else's.
        self.own_dumps = _is_own(provider.dumps, DefaultJSONProvider.dumps)
        #: Whether the body of a response depends on the app's debug mode.
        self.asks_debug = provider.compact is None
        #: What makes the body of a response, and its media type; where nothing else is asked.
        self.writer: tuple[Write, str] | None = None
        own = self.own_dumps and _is_own(provider.response, DefaultJSONProvider.response)
        if own and provider.compact is not False:
            self.writer = _make_write(compact), provider.mimetype


def _is_own(method: Any, function: Any) -> bool:
    """Tell whether a provider's method is ours, neither overridden nor assigned.

    PERF: not by ``vars()``: who has made a ``__dict__`` is read more slowly from then on.
    """
    return getattr(method, "__func__", None) is function


class _Encoding:
    """What :mod:`json` makes of these settings, safe to use from several threads."""

    __slots__ = ("chunks_of", "encode")

    def __init__(
        self,
        ensure_ascii: bool,
        sort_keys: bool,
        default: Callable[[Any], Any],
        separators: tuple[str, str],
    ) -> None:
        encoder = json.JSONEncoder(
            ensure_ascii=ensure_ascii, sort_keys=sort_keys, default=default, separators=separators
        )
        #: Encodes, and says whether it was a cycle (ValueError) where `chunks_of` cannot.
        self.encode = encoder.encode
        #: Encodes to strings that are to be joined; its second argument is 0.
        self.chunks_of: Callable[[Any, int], Iterable[str]] = lambda obj, _: (encoder.encode(obj),)
        make = getattr(_encoder, "c_make_encoder", None)
        if make is None:  # not CPython
            return
        # PERF: JSONEncoder makes this object for each call (0.6 µs of 1.2). It cannot be kept
        # together with the table of containers by which it notices a cycle, since two threads would
        # share that.
        quote = _encoder.encode_basestring_ascii if ensure_ascii else _encoder.encode_basestring
        item, key = separators
        self.chunks_of = make(None, default, quote, None, key, item, sort_keys, False, True)


def _make_encode(encoding: _Encoding) -> Encode:
    """Make the function that returns a value as text."""
    chunks_of = encoding.chunks_of

    def encode(obj: Any) -> str:
        try:
            return "".join(chunks_of(obj, 0))
        except RecursionError:
            return encoding.encode(obj)

    return encode


def _make_write(encoding: _Encoding) -> Write:
    """Make the function that returns a value as the whole body of a response."""
    chunks_of = encoding.chunks_of

    def write(obj: Any) -> bytes:
        try:
            return f"{''.join(chunks_of(obj, 0))}\n".encode()
        except RecursionError:
            return f"{encoding.encode(obj)}\n".encode()

    return write
