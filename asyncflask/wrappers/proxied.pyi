"""The types of the proxies ``request`` and ``websocket``, for type checkers alone.

One name, ``request``, is another object in an ``async def`` function than in a ``def`` function.
A type checker cannot see in which of the two the name is used. Therefore what has to be awaited has
here a type that is both: the awaitable, and the result that a ``def`` function gets. A use of the
result without ``await`` is marked as deprecated, with what an ``async def`` function writes
instead. See ``docs/reference/typing.md``.

There is no module of this name at run time.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from io import BufferedReader
from typing import Any, Literal, TypeVar, overload

from typing_extensions import deprecated  # Checkers know it; it need not be installed.
from werkzeug.datastructures import CombinedMultiDict, ImmutableMultiDict, MultiDict
from werkzeug.datastructures import FileStorage as SyncFileStorage

from ..datastructures import FileStorage
from .request.request import Request
from .websocket.websocket import HandshakeHeaders, Websocket

T = TypeVar("T")
V = TypeVar("V")
R = TypeVar("R", covariant=True)

class Awaited(Coroutine[Any, Any, R]):
    """What an ``async def`` function awaits. It may be made a task."""

    def __await__(self) -> Generator[Any, Any, R]: ...
    def send(self, value: Any, /) -> Any: ...
    def throw(self, *details: Any) -> Any: ...
    def close(self) -> None: ...

class Fields(ImmutableMultiDict[str, V]):
    """Fields of a form that were not awaited."""

    @deprecated("In `async def`: `(await request.form)[key]`.")
    def __getitem__(self, key: str) -> V: ...
    @deprecated("In `async def`: `key in await request.form`.")
    def __contains__(self, key: object) -> bool: ...
    @deprecated("In `async def`: `for key in await request.form`.")
    def __iter__(self) -> Iterator[str]: ...
    @deprecated("In `async def`: `len(await request.form)`.")
    def __len__(self) -> int: ...
    @overload  # type: ignore[override]  # as Werkzeug's own
    @deprecated("In `async def`: `(await request.form).get(key)`.")
    def get(self, key: str) -> V | None: ...
    @overload
    @deprecated("In `async def`: `(await request.form).get(key, default)`.")
    def get(self, key: str, default: V) -> V: ...
    @overload
    @deprecated("In `async def`: `(await request.form).get(key, default)`.")
    def get(self, key: str, default: T) -> V | T: ...
    @overload
    @deprecated("In `async def`: `(await request.form).get(key, type=...)`.")
    def get(self, key: str, type: Callable[[V], T]) -> T | None: ...
    @overload
    @deprecated("In `async def`: `(await request.form).get(key, default, type=...)`.")
    def get(self, key: str, default: T, type: Callable[[V], T]) -> T: ...
    @overload
    @deprecated("In `async def`: `(await request.form).getlist(key)`.")
    def getlist(self, key: str) -> list[V]: ...
    @overload
    @deprecated("In `async def`: `(await request.form).getlist(key, type=...)`.")
    def getlist(self, key: str, type: Callable[[V], T]) -> list[T]: ...

class PendingForm(  # type: ignore[misc]  # as Werkzeug's own
    Fields[str], Awaited[ImmutableMultiDict[str, str]]
):
    """``request.form``: fields in ``def``, to be awaited in ``async def``."""

class PendingFiles(  # type: ignore[misc]  # as Werkzeug's own
    Fields[SyncFileStorage], Awaited[ImmutableMultiDict[str, FileStorage]]
):
    """``request.files``: uploads in ``def``, to be awaited in ``async def``."""

class PendingValues(  # type: ignore[misc]  # as Werkzeug's own
    CombinedMultiDict[str, str], Awaited[CombinedMultiDict[str, str]]
):
    """``request.values``: fields in ``def``, to be awaited in ``async def``."""

    @deprecated("In `async def`: `(await request.values)[key]`.")
    def __getitem__(self, key: str) -> str: ...

class PendingBytes(bytes, Awaited[bytes]):
    """``request.get_data()``: bytes in ``def``, to be awaited in ``async def``."""

    @deprecated("In `async def`: `(await request.get_data()).decode()`.")
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str: ...
    @deprecated("In `async def`: `len(await request.get_data())`.")
    def __len__(self) -> int: ...

class PendingText(str, Awaited[str]):
    """``request.get_data(as_text=True)``: text in ``def``, to be awaited in ``async def``."""

    @deprecated("In `async def`: `len(await request.get_data(as_text=True))`.")
    def __len__(self) -> int: ...

class PendingJSON(Any, Awaited[Any]):  # type: ignore[misc]  # JSON is of any type
    """``request.get_json()``: any value in ``def``, to be awaited in ``async def``."""

    @deprecated("In `async def`: `(await request.get_json())[key]`.")
    def __getitem__(self, key: Any) -> Any: ...
    @deprecated("In `async def`: `key in await request.get_json()`.")
    def __contains__(self, key: Any) -> bool: ...
    @deprecated("In `async def`: `for item in await request.get_json()`.")
    def __iter__(self) -> Iterator[Any]: ...
    @deprecated("In `async def`: `(await request.get_json()).…`.")
    def __getattr__(self, name: str) -> Any: ...

class BodyStream(BufferedReader):
    """``request.stream``: a file in ``def``, iterated with ``async for`` in ``async def``."""

    def __await__(self) -> Generator[Any, Any, bytes]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    @deprecated("In `async def`: `await request.stream`, or `async for piece in request.stream`.")
    def read(self, size: int | None = -1, /) -> bytes: ...
    @deprecated("In `async def`: `async for piece in request.stream`.")
    def __iter__(self) -> Iterator[bytes]: ...

class ProxiedRequest(Request):
    """``asyncflask.request``, in ``def`` and in ``async def`` functions."""

    @property  # type: ignore[override]  # both, see above
    def form(self) -> PendingForm: ...
    @form.setter
    def form(self, fields: MultiDict[str, str]) -> None: ...
    @property  # type: ignore[override]  # both
    def files(self) -> PendingFiles: ...
    @files.setter
    def files(self, files: MultiDict[str, Any]) -> None: ...
    @property  # type: ignore[override]  # both
    def values(self) -> PendingValues: ...
    @values.setter
    def values(self, values: MultiDict[str, str]) -> None: ...
    @property  # type: ignore[override]  # both
    def data(self) -> PendingBytes: ...
    @data.setter
    def data(self, data: bytes) -> None: ...
    @property
    def json(self) -> PendingJSON: ...
    @property
    def stream(self) -> BodyStream: ...  # type: ignore[override]  # both
    @overload  # type: ignore[override]  # both
    def get_data(
        self, cache: bool = ..., as_text: Literal[False] = ..., parse_form_data: bool = ...
    ) -> PendingBytes: ...
    @overload
    def get_data(
        self, cache: bool = ..., *, as_text: Literal[True], parse_form_data: bool = ...
    ) -> PendingText: ...
    def get_json(
        self, force: bool = False, silent: bool = False, cache: bool = True
    ) -> PendingJSON: ...

class PendingNone(Awaited[None]):
    """``websocket.send()``: done in ``def``, to be awaited in ``async def``."""

class PendingTextMessage(str, Awaited[str | bytes]):
    """A text message of ``websocket.receive()``, or the awaitable of any message."""

class PendingBinaryMessage(bytes, Awaited[str | bytes]):
    """A binary message of ``websocket.receive()``, or the awaitable of any message."""

class ProxiedWebsocket(Websocket):
    """``asyncflask.websocket``, in ``def`` and in ``async def`` views."""

    def receive(self) -> PendingTextMessage | PendingBinaryMessage: ...
    def send(self, data: str | bytes) -> PendingNone: ...
    def receive_json(self) -> PendingJSON: ...
    def send_json(self, *args: Any, **kwargs: Any) -> PendingNone: ...
    def accept(
        self, headers: HandshakeHeaders | None = None, subprotocol: str | None = None
    ) -> PendingNone: ...
    def close(self, code: int = 1000, reason: str | None = None) -> PendingNone: ...
    @deprecated("In `async def`: `async for message in websocket`.")
    def __iter__(self) -> Iterator[str | bytes]: ...  # type: ignore[override]  # both
