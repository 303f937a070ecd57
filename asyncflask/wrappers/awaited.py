"""The awaitable that stands for what still has to be read from the client.

``request.form``, ``request.get_json()`` and their like return one. It is no coroutine, so looking
at it without awaiting it warns about nothing; *using* it without awaiting it raises an error that
shows the expression and its cure (design D3). What it runs when awaited is the request's business.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

from ..exceptions import UnawaitedAccess

T = TypeVar("T")

#: What was read, alone in a tuple; or a coroutine, if that has to be waited for.
Read: TypeAlias = tuple[T] | Coroutine[Any, Any, T]


class Pending(Generic[T]):
    """The future result of reading the request; ``await`` it, as often as you like.

    :func:`pending` makes them. PERF: there is no ``__init__``, which doubles what an object costs.
    """

    __slots__ = ("__weakref__", "_expression", "_reading", "_result")

    _expression: str
    #: what is called, and with what; ``None`` when the result is there
    _reading: tuple[Callable[[Any, Any], Read[T]], Any, Any] | None
    _result: T

    def __await__(self) -> Generator[Any, Any, T]:
        # PERF: where a class has a `__getattr__`, each look at an attribute costs ten others.
        reading = self._reading
        if reading is None:
            return self._result
        read, request, options = reading
        found = read(request, options)
        if found.__class__ is tuple:
            (result,) = found
        else:
            result = yield from found.__await__()  # type: ignore[union-attr]  # no tuple
        self._result = result
        self._reading = None
        return result

    @property
    def expression(self) -> str:
        """How the user wrote it."""
        return self._expression

    def __repr__(self) -> str:
        return f"<{self._expression}, not awaited>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            # Probes of inspect, copy, pickle and debuggers expect the usual answer.
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._refuse(f"{{}}.{name}")

    # Formatted into an answer it would be sent, silently; only repr(), for logs, is harmless.
    def __str__(self) -> NoReturn:
        self._refuse("str({})")

    def __format__(self, spec: str) -> NoReturn:
        self._refuse("format({})")

    def __html__(self) -> NoReturn:
        self._refuse("escape({})")

    def __getitem__(self, key: Any) -> NoReturn:
        self._refuse(f"{{}}[{_shown(key)}]")

    def __contains__(self, item: Any) -> NoReturn:
        self._refuse(f"{_shown(item)} in {{}}")

    def __iter__(self) -> NoReturn:
        self._refuse("for item in {}")

    def __len__(self) -> NoReturn:
        self._refuse("len({})")

    def __bool__(self) -> NoReturn:
        self._refuse("if {}")

    def __bytes__(self) -> NoReturn:
        self._refuse("bytes({})")

    def __eq__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} == {_shown(other)}")

    def __ne__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} != {_shown(other)}")

    __hash__ = object.__hash__

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("{}()" if not args and not kwargs else "{}(…)")

    def _refuse(self, use: str) -> NoReturn:
        wrong = use.format(self._expression)
        if use.startswith("{}("):
            right = f"await {self._expression}"  # A property was called as if it were a method.
        elif use.startswith("{}"):
            right = use.format(f"(await {self._expression})")
        else:
            right = use.format(f"await {self._expression}")
        raise UnawaitedAccess(
            f"`{wrong}` was used without `await`: in an `async def` function the body of the"
            " request may still be on its way.\n\n"
            f"    wrong: {wrong}\n"
            f"    right: {right}\n\n"
            "In a `def` function `request` is Flask's synchronous request and nothing is awaited."
        )


def pending(
    expression: str, read: Callable[[Any, Any], Read[T]], request: Any, options: Any = None
) -> Pending[T]:
    """Make the awaitable of something that has to be read.

    Args:
        expression: How the user wrote it, such as ``request.form``, for the error message.
        read: Reads; it is not called before the first ``await``.
        request: Its first argument.
        options: Its second one.
    """
    made: Pending[T] = Pending()
    made._expression = expression
    made._reading = read, request, options
    return made


def _shown(value: object) -> str:
    # Braces would be taken for places of str.format().
    return reprlib.repr(value).replace("{", "{{").replace("}", "}}")
