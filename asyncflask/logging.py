"""The app's logger, and the escaping of text in log lines.

Text from a client goes through :func:`one_line` before it is put into a message.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Protocol, TextIO, cast

from werkzeug.local import LocalProxy

from ._contextvars import current


class LoggedApp(Protocol):
    """What :func:`create_logger` uses of an app."""

    @property
    def name(self) -> str: ...

    @property
    def debug(self) -> bool: ...


def _errors_stream() -> TextIO:
    ctx = current()
    request_context = None if ctx is None else ctx.request_context
    request = None if request_context is None else request_context.request
    environ = getattr(request, "environ", None)
    stream: TextIO = sys.stderr if environ is None else environ.get("wsgi.errors", sys.stderr)
    return stream


# A proxy, not a stream: the stream is looked up at each write.
wsgi_errors_stream = cast(TextIO, LocalProxy(_errors_stream))
"""Where errors go: a WSGI request's ``wsgi.errors``, else :data:`sys.stderr`. For a logging
configuration it is ``ext://asyncflask.logging.wsgi_errors_stream``."""

default_handler = logging.StreamHandler(wsgi_errors_stream)
"""The handler that an app's logger gets when nothing else is configured."""

default_handler.setFormatter(
    logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
)


def has_level_handler(logger: logging.Logger) -> bool:
    """Return whether messages of the logger's level reach a handler.

    Args:
        logger: The logger.

    Source: ``Flask: logging.has_level_handler``.
    """
    level = logger.getEffectiveLevel()
    current_logger: logging.Logger | None = logger
    while current_logger is not None:
        if any(handler.level <= level for handler in current_logger.handlers):
            return True
        current_logger = current_logger.parent if current_logger.propagate else None
    return False


def create_logger(app: LoggedApp) -> logging.Logger:
    """Return the logger named like the app, with a level and a handler if it has none.

    Args:
        app: In debug mode its logger is set to ``DEBUG``, unless a level is set already.

    Source: ``Flask: logging.create_logger``.
    """
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger


# Controls of ASCII and Latin-1, and Unicode's own line and direction marks.
_UNPRINTABLE = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"


def one_line(text: str) -> str:
    r"""Escape characters that end a log line or control a terminal.

    SECURITY: a decoded path may have any character. With a line break in it a client could write
    log lines of its own, and with an escape code control the reader's terminal (CVE-2020-7694).

    Args:
        text: Text from a client: a path, a host, a header.

    Returns:
        The text, on one line.

    >>> one_line("/a\r\nERROR in app: all is lost")
    '/a\\r\\nERROR in app: all is lost'
    """
    if text.isprintable():
        return text
    # Rarely used, so the pattern is not compiled at import.
    return re.sub(_UNPRINTABLE, lambda match: ascii(match[0])[1:-1], text)
