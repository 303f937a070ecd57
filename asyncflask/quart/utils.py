"""Functions for headers, threads, tasks, and the reloader."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from contextvars import copy_context
from inspect import isgenerator
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

from werkzeug.datastructures import Headers

from .typing import Event, FilePath

P = ParamSpec("P")
T = TypeVar("T")
_END: Any = object()


class MustReloadError(Exception):
    """A file of the program has changed."""


def file_path_to_path(*paths: FilePath) -> Path:
    """Join paths.

    Args:
        paths: The paths, as text, bytes or objects.

    Returns:
        The joined path.

    Source: ``Quart: utils.file_path_to_path``.
    """
    return Path(*(os.fsdecode(path) for path in paths))


def run_sync(func: Callable[P, T]) -> Callable[P, Coroutine[None, None, T]]:
    """Make a blocking function awaitable: each call runs in a thread, in a copy of the context.

    Args:
        func: A ``def`` function; of a generator function the result is iterated by ``async for``.

    Source: ``Quart: utils.run_sync``.
    """

    @functools.wraps(func)
    async def runner(*args: P.args, **kwargs: P.kwargs) -> Any:
        result = await asyncio.to_thread(func, *args, **kwargs)
        return run_sync_iterable(result) if isgenerator(result) else result

    return runner


def run_sync_iterable(iterable: Iterator[T] | Generator[T, None, None]) -> AsyncIterator[T]:
    """Iterate over a blocking iterator in threads, in a copy of the context.

    Args:
        iterable: The iterator.

    Returns:
        The items.

    Source: ``Quart: utils.run_sync_iterable``.
    """

    async def chunks() -> AsyncIterator[T]:
        context = copy_context()
        step = functools.partial(context.run, next, iterable, _END)
        loop = asyncio.get_running_loop()
        while (chunk := await loop.run_in_executor(None, step)) is not _END:
            yield chunk

    return chunks()


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them.

    Args:
        headers: The headers.

    Source: ``Quart: utils.encode_headers``.
    """
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def decode_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return ASGI's headers as an object.

    Args:
        headers: Pairs of names and values.

    Source: ``Quart: utils.decode_headers``.
    """
    return Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


# -- tasks -----------------------------------------------------------------------------------------


async def cancel_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks, wait for their end, and raise what they raised.

    Args:
        tasks: The tasks.

    Source: ``Quart: utils.cancel_tasks``.
    """
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    raise_task_exceptions(tasks)


def raise_task_exceptions(tasks: set[asyncio.Task[Any]]) -> None:
    """Raise what the tasks that have ended raised.

    Args:
        tasks: The tasks.

    Source: ``Quart: utils.raise_task_exceptions``.
    """
    for task in tasks:
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is not None:
                raise error


# -- reloading -------------------------------------------------------------------------------------


async def observe_changes(sleep: Callable[[float], Awaitable[Any]], shutdown_event: Event) -> None:
    """Wait until a file of the program changes.

    Args:
        sleep: Waits for seconds, as :func:`asyncio.sleep` does.
        shutdown_event: Ends the waiting, when it is set.

    Raises:
        MustReloadError: A file has changed.

    Source: ``Quart: utils.observe_changes``.
    """
    before = _modified()
    while not shutdown_event.is_set():
        await sleep(1)
        now = _modified()
        if any(now.get(path) != time for path, time in before.items()):
            raise MustReloadError
        before = {**now, **before}


def _modified() -> dict[str, float]:
    """Return the time of the last change of each module's file."""
    found = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path is not None and os.path.isfile(path):
            found[path] = os.stat(path).st_mtime
    return found


def restart() -> NoReturn:
    """Replace this process by a new one of the same program.

    Source: ``Quart: utils.restart``.
    """
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
