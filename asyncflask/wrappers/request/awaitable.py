"""The awaitables of data that have to be read from the client, and their error if not awaited.

``request.form``, ``request.get_json()`` and the like return one. It is not a coroutine, so that
reading the attribute without ``await`` warns about nothing; *using* it without ``await`` raises an
error that shows the expression and the remedy (design D3). ``request.py`` has the functions that it
calls.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import reprlib
import weakref
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias, TypeVar, cast

from ...exceptions import UnawaitedAccess
from ..never_awaited import ToAwait, caller_frame, note_forgotten

T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Coroutine[Any, Any, Any]])

R = TypeVar("R")
Q = TypeVar("Q")

#: The data as the only item of a tuple; or a coroutine that returns them.
Read: TypeAlias = tuple[T] | Coroutine[Any, Any, T]


#: Attributes that tools look for in every object, and asyncio in a task's coroutine.
_PROBED = ("_", "cr_", "gi_", "ag_")


class Unawaited(ToAwait):
    """An awaitable; any other use of it raises an error that shows how to await it."""

    __slots__ = ("__weakref__", "_expression")

    _expression: str
    _why: ClassVar[str]
    _elsewhere: ClassVar[str]

    @property
    def expression(self) -> str:
        """How the user wrote it."""
        return self._expression

    def __repr__(self) -> str:
        return f"<{self._expression}, not awaited>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith(_PROBED):
            # Probes of inspect, asyncio, copy and debuggers expect the usual answer.
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._refuse(f"{{}}.{name}")

    # Formatted text could be sent in a response; only repr(), for logs, is allowed.
    def __str__(self) -> NoReturn:
        self._refuse("str({})")

    def __format__(self, spec: str) -> NoReturn:
        self._refuse("format({})")

    def __html__(self) -> NoReturn:
        self._refuse("escape({})")

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse(f"{{}}[{_repr_of(key)}]")

    def __contains__(self, item: object) -> NoReturn:
        self._refuse(f"{_repr_of(item)} in {{}}")

    def __enter__(self) -> NoReturn:
        self._refuse("with {}")

    def __exit__(self, *details: object) -> None:
        """Never reached; Python looks for it before it enters."""

    def __iter__(self) -> NoReturn:
        self._refuse("for item in {}")

    def __len__(self) -> NoReturn:
        self._refuse("len({})")

    def __bool__(self) -> bool:
        # Since Python 3.13 the repr of a task asks whether it has a coroutine.
        if caller_frame().f_globals.get("__name__") != "asyncio.base_tasks":
            self._refuse("if {}")
        return True

    def __bytes__(self) -> NoReturn:
        self._refuse("bytes({})")

    def __eq__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} == {_repr_of(other)}")

    def __ne__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} != {_repr_of(other)}")

    __hash__ = object.__hash__

    def __int__(self) -> NoReturn:
        self._refuse("int({})")

    def __float__(self) -> NoReturn:
        self._refuse("float({})")

    def __buffer__(self, flags: int) -> NoReturn:
        # Called since Python 3.12; before, explained() finds it in the failing line.
        self._refuse("f({})")

    def __add__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} + {_repr_of(other)}")

    def __radd__(self, other: object) -> NoReturn:
        self._refuse(f"{_repr_of(other)} + {{}}")

    def __or__(self, other: object) -> NoReturn:
        self._refuse(f"{{}} | {_repr_of(other)}")

    def __ror__(self, other: object) -> NoReturn:
        self._refuse(f"{_repr_of(other)} | {{}}")

    def __setitem__(self, key: object, value: object) -> NoReturn:
        self._refuse(f"{{}}[{_repr_of(key)}] = …")

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
            f"`{wrong}` was used without `await`: {self._why}\n\n"
            f"    wrong: {wrong}\n"
            f"    right: {right}\n\n"
            f"{self._elsewhere}"
        )


if TYPE_CHECKING:

    class _Refusing:
        """For checkers nothing is there but the awaitable: any other use is an error to them."""

        _expression: str

        @property
        def expression(self) -> str: ...

else:
    _Refusing = Unawaited


class Pending(_Refusing, Coroutine[Any, Any, T]):
    """The future result of reading the request; ``await`` it, as often as you like.

    It may be made a task, as a coroutine may.

    Args:
        expression: How the user wrote it, such as ``request.form``, for the error message.
        read: Reads the data; it is called at the first ``await``.
        request: Its first argument.
        options: Its second one.
    """

    __slots__ = ("_failed", "_reading", "_result", "_steps")

    _why = "in an `async def` function the body of the request may still be on its way."
    _elsewhere = (
        "In a `def` function `request` is Flask's synchronous request and nothing is awaited."
    )
    #: the function and its arguments; ``None`` when the result is there
    _reading: tuple[Callable[[Any, Any], Read[T]], Any, Any] | None
    _result: T
    _failed: bool
    #: the steps of each task that runs it
    _steps: weakref.WeakKeyDictionary[asyncio.Task[Any], Generator[Any, Any, T]]

    def __init__(
        self, expression: str, read: Callable[[R, Q], Read[T]], request: R, options: Q
    ) -> None:
        self._expression = expression
        self._reading = read, request, options

    def __await__(self) -> Generator[Any, Any, T]:
        reading = self._reading
        if reading is None:
            return self._result
        read, request, options = reading
        try:
            found = read(request, options)
            if isinstance(found, tuple):
                (result,) = found
            else:
                result = yield from found.__await__()
        except BaseException:
            self._failed = True
            raise
        self._result = result
        self._reading = None
        return result

    def send(self, value: Any) -> Any:
        """Go on; for a task.

        Args:
            value: As for a coroutine; a task sends ``None``.

        Returns:
            What the task has to wait for.

        Raises:
            StopIteration: With the result, at the end.
        """
        return self._own_steps().send(value)

    def throw(self, *details: Any) -> Any:
        """Go on with an error; for a task, which may be cancelled before it begins.

        Args:
            details: The error, as for a coroutine.

        Returns:
            What the task has to wait for.

        Raises:
            BaseException: The same error, or what reading made of it.
        """
        self._failed = True
        return self._own_steps().throw(*details)

    def close(self) -> None:
        """Say that it will not be awaited."""
        self._failed = True

    def _own_steps(self) -> Generator[Any, Any, T]:
        if not hasattr(self, "_steps"):
            self._steps = weakref.WeakKeyDictionary()
        task = asyncio.current_task()
        assert task is not None  # Nothing else calls send() and throw().
        if task not in self._steps:
            self._steps[task] = self.__await__()
        return self._steps[task]


class PendingCall(Pending[T]):
    """The future result of a method; the request is an error if it is never awaited."""

    __slots__ = ()

    def __del__(self) -> None:
        if self._reading is None or hasattr(self, "_failed"):
            return
        if not gc.is_finalized(self):  # The garbage collector may run in another request.
            note_forgotten(self._expression, caller_frame())


class Call(Unawaited, Coroutine[Any, Any, T]):
    """The coroutine of a method of asyncflask; using it like its result raises an error.

    It may be awaited, gathered and made a task. One that is destroyed is found by the coroutine
    inside (see :mod:`asyncflask.wrappers.never_awaited`).

    Args:
        coroutine: The method's coroutine.
        expression: How the user wrote the call.
    """

    __slots__ = ("_coroutine",)

    _why = "the test client is asynchronous, so the call has done nothing yet."
    _elsewhere = (
        "Such a test is an `async def` function; a synchronous client is that of an app of"
        " `asyncflask.flask.Flask`."
    )

    def __init__(self, coroutine: Coroutine[Any, Any, T], expression: str) -> None:
        self._coroutine = coroutine
        self._expression = expression

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Go on; for a task.

        Args:
            value: As for a coroutine; a task sends ``None``.

        Returns:
            What the task has to wait for.

        Raises:
            StopIteration: With the result, at the end.
        """
        return self._coroutine.send(value)

    def throw(self, *details: Any) -> Any:
        """Go on with an error; for a task.

        Args:
            details: The error, as for a coroutine.

        Returns:
            What the task has to wait for.

        Raises:
            BaseException: The same error, or what the method made of it.
        """
        return self._coroutine.throw(*details)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def _refuse(self, use: str) -> NoReturn:
        self._coroutine.close()  # To avoid a second warning.
        super()._refuse(use)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("cr_", "_")):
            return getattr(self._coroutine, name)  # For tasks, when they are shown.
        return super().__getattr__(name)


def refusing(owner: str) -> Callable[[M], M]:
    """Let an ``async def`` method return a :class:`Call`.

    Args:
        owner: How users write the object that has the method.

    Returns:
        The decorator.
    """

    def decorate(method: M) -> M:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
            first = _repr_of(args[0]) if args else ""
            more = ", …" if first and (kwargs or len(args) > 1) else "…" if kwargs else ""
            expression = f"{owner}.{method.__name__}({first}{more})"
            return Call(method(self, *args, **kwargs), expression)

        return cast(M, call)

    return decorate


def _repr_of(value: object) -> str:
    # str.format() would replace braces.
    return reprlib.repr(value).replace("{", "{{").replace("}", "}}")
