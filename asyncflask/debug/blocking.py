"""In debug mode: what holds the event loop for over 100 ms is named in the app's log.

A view that calls ``time.sleep()``, a database driver or a long computation on the loop stops every
other request meanwhile. asyncio's own warning names a task; this one names the function. Each step
of a connection's coroutine, from one ``await`` to the next, is timed. When one is overdue, a thread
looks at what the loop's thread is running: after the step there is nothing left to look at.
"""

from __future__ import annotations

import inspect
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import perf_counter, sleep
from typing import Any, NamedTuple, TypeAlias, TypeVar

from .._current import current
from ..logging import one_line
from ..typing import Receive, Scope, Send

T = TypeVar("T")

#: Seconds that a step may take.
LIMIT = 0.1
#: How often one step is looked at, since it may go through several functions.
MOST_SAMPLES = 40
#: Seconds after which a thread that has nothing to watch ends.
IDLE = 10.0

_PACKAGE = __name__.partition(".")[0]
#: modules that call functions of the user's; what they call last is what is named
_CALLERS = tuple(f"{_PACKAGE}.{name}" for name in ("asgi", "dispatch", "debug.blocking"))


class Frame(NamedTuple):
    """One frame of the loop's thread, without what it holds."""

    module: str
    code: types.CodeType
    line: int


#: frames, the outermost first
Sample: TypeAlias = list[Frame]


class LoopWatch:
    """Times the steps of the event loop of one thread, and samples those that are overdue."""

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
        """Begin a step."""
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
        """End the step; return how many seconds it took."""
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
                    self._look(began)
                    sleep(LIMIT / 4)
                else:
                    sleep(LIMIT)

    def _look(self, began: float) -> None:
        frame = sys._current_frames().get(self._ident)
        found = []
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            found.append(Frame(module, frame.f_code, frame.f_lineno))
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


async def serve_watched(
    app: Any,
    serve: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve one connection of an app, step by step, with an eye on the clock."""

    def report(held: float, samples: list[Sample]) -> None:
        what = f"{scope.get('method', 'websocket')} {scope['path']!r}"
        app.logger.warning(
            "%s", one_line_each(describe(held, samples, what, scope.get("endpoint")))
        )

    await _stepped(serve(scope, receive, send), watch_here(), report)


def watched(coro: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Return a coroutine that a worker thread waits for, timed if the current app is in debug mode.

    Args:
        coro: The coroutine; it has not begun.
    """
    ctx = current()
    if ctx is None or not ctx.app.debug:
        return coro

    def report(held: float, samples: list[Sample]) -> None:
        carrier = ctx.carrier
        view = None if carrier is None else ctx.app.view_functions.get(carrier.matched_endpoint)
        what = "an app context" if carrier is None else f"endpoint {carrier.matched_endpoint!r}"
        ctx.app.logger.warning("%s", one_line_each(describe(held, samples, what, view)))

    return _stepped(coro, watch_here(), report)


@types.coroutine
def _stepped(
    coro: Coroutine[Any, Any, T], watch: LoopWatch, report: Callable[[float, list[Sample]], None]
) -> Generator[Any, Any, T]:
    """Await a coroutine, and report each of its steps that takes too long."""
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


# -- what is said ----------------------------------------------------------------------------------


def describe(held: float, samples: list[Sample], what: str, view: Any) -> str:
    """Return the warning.

    Args:
        held: Seconds.
        samples: What the loop's thread was running; none if that is not known.
        what: The connection.
        view: The view that serves it, if there is one.
    """
    code = getattr(inspect.unwrap(view), "__code__", None) if callable(view) else None
    frames = [frame for sample in samples if (frame := _called(sample, code)) is not None]
    # One name for each function, with the line in which it was seen first.
    by = {frame.code: _name(frame, code) for frame in reversed(frames)}
    names = list(reversed(by.values())) or [_unknown(code)]
    return (
        f"The event loop was held for {held * 1000:.0f} ms by {', then '.join(names)}, in {what}."
        " Every other request waited.\n"
        "    Around what blocks write `await run_sync(function)(...)`, or in the request's thread"
        " `await current_app.ensure_async(function)(...)`; or declare the function with `def`, then"
        " all of it runs in a worker thread. In a long computation `await asyncio.sleep(0)` now and"
        " then."
    )


def one_line_each(text: str) -> str:
    """Escape in each line what would end it or steer a terminal."""
    return "\n".join(map(one_line, text.split("\n")))


def _name(frame: Frame, view: types.CodeType | None) -> str:
    kind = "the view" if frame.code is view else "the function"
    name, place = frame.code.co_qualname, f"{frame.code.co_filename}:{frame.line}"
    return f"{kind} {name!r} ({place})"


def _unknown(view: types.CodeType | None) -> str:
    # Code in C that does not let the watching thread run, or our own work for an answer.
    if view is None:
        return "what serves it"
    place = f"{view.co_filename}:{view.co_firstlineno}"
    return f"the view {view.co_qualname!r} ({place}), a function around it, or its answer"


def _called(sample: Sample, view: types.CodeType | None) -> Frame | None:
    """Return the frame of the user's function that the pipeline has called."""
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
