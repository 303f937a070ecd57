"""Which frames a traceback page begins with: the app's own, not those by which we came to them.

It does for whole packages what ``__traceback_hide__``, which Werkzeug's pages heed, does for a
function. Logs have the whole traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from traceback import TracebackException

    from werkzeug.debug.tbtools import DebugFrameSummary, DebugTraceback

_OWN = __name__.partition(".")[0]
#: Packages whose frames are between a server and the app's code.
_LEADING = frozenset({_OWN, "asyncio", "concurrent", "contextlib", "threading", "werkzeug"})


def begin_with_the_app(trace: DebugTraceback) -> None:
    """Leave out the frames by which this package came to the app's own code.

    What the app's innermost function called is kept; an error before the app's code was reached
    keeps all of its frames.

    Args:
        trace: What a page is made of.
    """
    for _, part in trace.all_tracebacks:
        _leave_out(part)


def _leave_out(trace: TracebackException) -> None:
    stack = cast("list[DebugFrameSummary]", trace.stack)
    packages = [_package(frame.global_ns) for frame in stack]
    first = next((i for i, name in enumerate(packages) if name not in _LEADING), None)
    if first is None:
        return
    last = first
    for i, frame in enumerate(stack):
        if packages[i] != _OWN and not frame.is_library:
            last = max(i, last)
    stack[:] = [
        frame for i, frame in enumerate(stack) if i >= last or (i >= first and packages[i] != _OWN)
    ]


def cut_tracebacks(error: BaseException | None) -> None:
    """Let the traceback of an error, and of those before it, begin with the app's own code.

    For a page that others make of the error, such as Werkzeug's debugger around a WSGI app.

    Args:
        error: What is on its way there, if anything is.
    """
    for raised in _chain(error):
        traceback = raised.__traceback__
        while traceback is not None and _package(traceback.tb_frame.f_globals) in _LEADING:
            traceback = traceback.tb_next
        if traceback is not None:
            raised.__traceback__ = traceback


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _package(names: dict[str, object]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]
