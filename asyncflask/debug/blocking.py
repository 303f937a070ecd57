"""In debug mode, a warning that names each function that blocks the event loop for over 100 ms.

A view that calls ``time.sleep()``, a database driver or a long computation on the loop stops all
other requests. asyncio's own warning names a task; this one names the function. Each step of a
connection's coroutine, from one ``await`` to the next, is timed. While a step takes too long, a
second thread samples the stack of the loop's thread, because after the step the stack is gone.
"""

from __future__ import annotations

import inspect
import logging
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import perf_counter, sleep
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from .._contextvars import current
from ..logging import one_line
from ..typing import Receive, Scope, Send

T = TypeVar("T")

#: Seconds that a step may take.
LIMIT = 0.1
#: Samples of one step at most; it may run several functions.
MOST_SAMPLES = 40
#: Seconds without a step after which the second thread ends.
IDLE = 10.0

_PACKAGE = __name__.partition(".")[0]
#: Modules that call the user's functions; the warning names the last function that they called.
_CALLERS = tuple(f"{_PACKAGE}.{name}" for name in ("serving.asgi", "dispatch", "debug.blocking"))


class StackFrame(NamedTuple):
    """One frame of the loop's thread, without references to its variables."""

    module: str
    code: types.CodeType
    line: int


#: Frames, the outermost first.
Sample: TypeAlias = list[StackFrame]


class LoopWatch:
    """Times the steps of one thread's event loop, and samples those that take too long."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._ident = threading.get_ident()
        self._began: float | None = None
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_in_step(self) -> bool:
        """Whether a step is being timed."""
        return self._began is not None

    def begin(self) -> None:
        """Start timing a step."""
        self.samples = []
        self._began = perf_counter()
        with self._lock:
            self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, name="asyncflask-blocking", daemon=True
                )
                self._thread.start()

    def end(self) -> float:
        """Stop timing the step.

        Returns:
            Seconds that it took.
        """
        began, self._began = self._began, None
        return 0.0 if began is None else perf_counter() - began

    def _watch(self) -> None:
        while True:
            woken = self._wake.wait(IDLE)
            with self._lock:
                if not woken and not self._wake.is_set():
                    self._thread = None
                    return
                self._wake.clear()
            while (began := self._began) is not None:
                remaining = began + LIMIT - perf_counter()
                if remaining > 0:
                    sleep(remaining)
                elif len(self.samples) < MOST_SAMPLES:
                    self._sample(began)
                    sleep(LIMIT / 4)
                else:
                    sleep(LIMIT)

    def _sample(self, began: float) -> None:
        frame = sys._current_frames().get(self._ident)
        found = []
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            found.append(StackFrame(module, frame.f_code, frame.f_lineno))
            frame = frame.f_back
        if self._began == began:
            self.samples.append(found[::-1])


_here = threading.local()


def watch_here() -> LoopWatch:
    """Return the watch of the calling thread."""
    watch: LoopWatch | None = getattr(_here, "watch", None)
    if watch is None:
        watch = _here.watch = LoopWatch()
    return watch


def is_watched() -> bool:
    """Tell whether the calling code runs in a step that is timed."""
    return watch_here().is_in_step


class LoggingApp(Protocol):
    """The attribute of an app that the warning needs."""

    @property
    def logger(self) -> logging.Logger: ...


async def serve_watched(
    app: LoggingApp,
    serve: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve one connection of an app, and log each step that blocks the loop for too long.

    Args:
        app: The app.
        serve: Serves the connection.
        scope: ASGI's ``scope``.
        receive: ASGI's ``receive``.
        send: ASGI's ``send``.

    Raises:
        Exception: What ``serve`` raises.
    """

    def report(held: float, samples: list[Sample]) -> None:
        what = f"{scope.get('method', 'websocket')} {scope['path']!r}"
        app.logger.warning(
            "%s", one_line_each(describe(held, samples, what, scope.get("endpoint")))
        )

    await _timed(serve(scope, receive, send), watch_here(), report)


def watched(coro: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Time the steps of a coroutine that a worker thread waits for, in debug mode.

    Args:
        coro: The coroutine; it must not have started.

    Returns:
        An awaitable of its result: the coroutine itself if the app is not in debug mode.
    """
    ctx = current()
    if ctx is None or not ctx.app.debug:
        return coro

    def report(held: float, samples: list[Sample]) -> None:
        request_context = ctx.request_context
        view = (
            None
            if request_context is None
            else ctx.app.view_functions.get(request_context.matched_endpoint)
        )
        what = (
            "an app context"
            if request_context is None
            else f"endpoint {request_context.matched_endpoint!r}"
        )
        ctx.app.logger.warning("%s", one_line_each(describe(held, samples, what, view)))

    return _timed(coro, watch_here(), report)


@types.coroutine
def _timed(
    coro: Coroutine[Any, Any, T], watch: LoopWatch, report: Callable[[float, list[Sample]], None]
) -> Generator[Any, Any, T]:
    """Await a coroutine, and report each step that takes too long."""
    step: Callable[[Any], Any] = coro.send
    argument: Any = None
    while True:
        watch.begin()
        try:
            waiting_for = step(argument)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            argument = None
            held = watch.end()
            if held > LIMIT:
                report(held, watch.samples)
        try:
            argument = yield waiting_for
            step = coro.send
        except BaseException as error:
            argument = error
            step = coro.throw


# -- the text of the warning -----------------------------------------------------------------------


def describe(
    held: float, samples: list[Sample], what: str, view: Callable[..., object] | None
) -> str:
    """Return the warning.

    Args:
        held: Seconds for which the loop was blocked.
        samples: Stacks of the loop's thread in that time; empty if none could be taken.
        what: The connection, in words.
        view: The view that serves it, if there is one.
    """
    code = getattr(inspect.unwrap(view), "__code__", None) if view is not None else None
    frames = [frame for sample in samples if (frame := _user_frame(sample, code)) is not None]
    # One name for each function, with the line of its first sample.
    by_code = {frame.code: _describe_frame(frame, code) for frame in reversed(frames)}
    names = list(reversed(by_code.values())) or [_describe_unknown(code)]
    return (
        f"The event loop was blocked for {held * 1000:.0f} ms by {', then '.join(names)}, in"
        f" {what}. All other requests waited.\n"
        "    Call a blocking function with `await run_sync(function)(...)`, or in the request's"
        " thread with `await current_app.ensure_async(function)(...)`; or declare the view with"
        " `def`, so that all of it runs in a worker thread. In a long computation write `await"
        " asyncio.sleep(0)` now and then."
    )


def one_line_each(text: str) -> str:
    """Escape characters that would end a line or control a terminal.

    Args:
        text: Lines of text.

    Returns:
        The text, its lines kept.
    """
    return "\n".join(map(one_line, text.split("\n")))


def _describe_frame(frame: StackFrame, view: types.CodeType | None) -> str:
    kind = "the view" if frame.code is view else "the function"
    name, place = frame.code.co_qualname, f"{frame.code.co_filename}:{frame.line}"
    return f"{kind} {name!r} ({place})"


def _describe_unknown(view: types.CodeType | None) -> str:
    # C code that held the GIL, or our own work for the response.
    if view is None:
        return "code that serves it"
    place = f"{view.co_filename}:{view.co_firstlineno}"
    return f"the view {view.co_qualname!r} ({place}), a function around it, or its response"


def _user_frame(sample: Sample, view: types.CodeType | None) -> StackFrame | None:
    """Return the frame of the user's function that the pipeline called."""
    callers = [i for i, frame in enumerate(sample) if frame.module.startswith(_CALLERS)]
    if not callers:
        return None
    inner = [
        frame
        for frame in sample[callers[-1] + 1 :]
        if frame.module.partition(".")[0] not in (_PACKAGE, "asyncio")
    ]
    for frame in inner:
        if frame.code is view:
            return frame
    return inner[0] if inner else None
