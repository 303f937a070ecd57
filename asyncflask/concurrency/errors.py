"""Errors that must not reach the event loop or the server, and the errors raised instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .bridge import running_loop


class EscapedError(RuntimeError):
    """A :exc:`BaseException` that is no :exc:`Exception` was raised while a request was served.

    The error itself would end the server's task or its loop.

    Args:
        text: What happened, and what to do instead.
        error: What was raised.
    """

    def __init__(self, text: str, error: BaseException) -> None:
        super().__init__(text)
        self.error = error


class ExitInWorker(EscapedError):
    """``SystemExit`` or ``KeyboardInterrupt`` was raised where it would end the event loop."""


def exit_in_worker(error: BaseException, func: Callable[..., Any]) -> ExitInWorker:
    """Return what to raise for an error that would end the event loop.

    Args:
        error: ``SystemExit`` or ``KeyboardInterrupt``.
        func: What raised it.
    """
    return ExitInWorker(
        f"{func!r} raised {error!r} in a worker thread, where it cannot end the server."
        " Raise an Exception, or stop the server with a signal.",
        error,
    )


def as_exception(error: BaseException, where: str) -> BaseException:
    """Return what to raise instead of an error that leaves the app, or the error itself.

    Args:
        error: What was raised; called while it is handled.
        where: What was being done, for the message.

    Returns:
        ``error`` itself if it is an :exc:`Exception`, if the task was cancelled from outside, or if
        no task runs. Otherwise an :exc:`EscapedError`.
    """
    if isinstance(error, Exception) or running_loop() is None:
        return error
    task = asyncio.current_task()
    if task is None:
        return error
    if not isinstance(error, asyncio.CancelledError):
        remedy = "Raise an Exception or abort(500) instead; a signal stops the server."
        return EscapedError(
            f"{error!r} was raised in {where}, where it cannot end the server. {remedy}", error
        )
    if task.cancelling():
        return error
    return EscapedError(
        f"{where} ended with a CancelledError, but its own task was not cancelled: something that"
        " it awaited was. Catch asyncio.CancelledError at that `await`.",
        error,
    )
