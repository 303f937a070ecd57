"""The error handlers of an app or a blueprint, by status code and exception class.

Which of them answers an error is decided in ``dispatch/errors.py``.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable

from werkzeug.exceptions import HTTPException, default_exceptions

from .. import typing as ft
from .setupmethod import Setup, T_error_handler, refuse_function, setupmethod


class ErrorHandlers(Setup):
    """The decorator of error handlers, and the registry that it fills."""

    def __init__(self) -> None:
        self.error_handler_spec: dict[
            ft.AppOrBlueprintKey, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]
        ] = defaultdict(lambda: defaultdict(dict))

    @setupmethod
    def errorhandler(
        self, code_or_exception: type[Exception] | int
    ) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as the handler of a status code or exception class.

        Args:
            code_or_exception: Status code of an HTTP error, or a subclass of ``Exception``.

        Returns:
            The decorator, which returns the function unchanged.

        Raises:
            TypeError: The decorator has no parentheses, or neither a code nor a class was given.
            ValueError: The code is not that of an HTTP error, or the class not one of exceptions.
        """
        if inspect.isfunction(code_or_exception):
            refuse_function("errorhandler", code_or_exception, "404")

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(
        self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable
    ) -> None:
        """Register a function as the handler of a status code or exception class.

        Args:
            code_or_exception: Status code of an HTTP error, or a subclass of ``Exception``.
            f: Gets the error, and returns a response like a view.

        Raises:
            ValueError: The code is not that of an HTTP error, or the class not one of exceptions.
            TypeError: Neither a code nor a class was given, but an exception *object* or text.
        """
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        exc_class: type[Exception]
        if isinstance(exc_class_or_code, int):
            try:
                exc_class = default_exceptions[exc_class_or_code]
            except KeyError:
                raise ValueError(
                    f"{exc_class_or_code!r} is not the code of an HTTP error that can be handled."
                    " Use a code of 4xx or 5xx. Use a subclass of HTTPException for another one."
                ) from None
        else:
            exc_class = exc_class_or_code
        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Register its class,"
                f" {type(exc_class).__name__}, or a status code."
            )
        if not (isinstance(exc_class, type) and issubclass(exc_class, Exception)):
            raise _no_exception_class(exc_class)
        if issubclass(exc_class, HTTPException):
            return exc_class, exc_class.code
        return exc_class, None


def _no_exception_class(given: object) -> TypeError | ValueError:
    """Return the error for what is neither a status code nor an exception class."""
    if isinstance(given, type):
        return ValueError(
            f"{given.__name__!r} is not a subclass of Exception."
            " Register an exception class or a status code."
        )
    text = given.decode("latin-1") if isinstance(given, bytes) else str(given)
    code = text if text.isdecimal() and text.isascii() else 404
    return TypeError(
        f"{given!r} is neither an exception class nor a status code. Write the class, such as"
        f" KeyError, or the code as a number, such as {code}."
    )
