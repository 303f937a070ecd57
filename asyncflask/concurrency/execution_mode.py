"""Where a request's coroutine is stepped, which decides how its callables are called."""

from __future__ import annotations

import enum


class ExecutionMode(enum.Enum):
    """Where a context's coroutine is stepped, so that ``def`` and ``async def`` find their place.

    ``dispatch/invoke.py`` says what follows from it.
    """

    #: on the event loop
    LOOP = enum.auto()
    #: in the worker thread that is leased for the request
    WORKER = enum.auto()
    #: in a thread that pushed the context with a plain ``with``
    THREAD = enum.auto()
    #: on the loop of a command line, which may be blocked
    COMMAND = enum.auto()


LOOP = ExecutionMode.LOOP
WORKER = ExecutionMode.WORKER
THREAD = ExecutionMode.THREAD
COMMAND = ExecutionMode.COMMAND
