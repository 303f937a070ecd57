"""Traceback pages begin with the app's own frames: those of the framework before them are removed.

Werkzeug's pages do this for a function that sets ``__traceback_hide__``; here it is done for whole
packages. Logs have the whole traceback.
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
    """Remove the frames through which this package called the app's own code.

    The calls below the app's innermost function are kept. An error that was raised before the app's
    code was reached keeps all of its frames.

    Args:
        trace: The traceback of a page, which is changed.
    """
    for _, part in trace.all_tracebacks:
        _remove_frames(part)


def _remove_frames(trace: TracebackException) -> None:
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
    """Make the traceback of an error, and of its causes, begin with the app's own code.

    For pages that other tools render, such as Werkzeug's debugger around a WSGI app.

    Args:
        error: The error, which is changed; or ``None``.
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
