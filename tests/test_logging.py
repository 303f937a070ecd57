"""The app's logger, and the characters that a log line may have."""

from __future__ import annotations

import doctest
import io
import logging
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

import asyncflask.logging
from asyncflask._contextvars import context_var
from asyncflask.logging import (
    create_logger,
    default_handler,
    has_level_handler,
    one_line,
    wsgi_errors_stream,
)


@pytest.fixture(autouse=True)
def top() -> Iterator[logging.Logger]:
    """A logger above the app's, cut off from the root logger, where pytest has its handlers."""
    top, logger = logging.getLogger("top"), logging.getLogger("top.shop")
    root, top.parent = top.parent, None
    top.setLevel(logging.WARNING)
    yield top
    top.handlers, logger.handlers, top.parent, logger.propagate = [], [], root, True
    logger.setLevel(logging.NOTSET)


def app(debug: bool = False) -> SimpleNamespace:
    return SimpleNamespace(name="top.shop", debug=debug)


def test_the_logger_has_the_apps_name_and_one_handler() -> None:
    logger = create_logger(app())

    assert logger is create_logger(app()) is logging.getLogger("top.shop")
    assert logger.handlers == [default_handler]
    assert logger.level == logging.NOTSET


def test_debug_mode_sets_a_level_unless_one_is_set() -> None:
    assert create_logger(app(debug=True)).level == logging.DEBUG

    logging.getLogger("top.shop").setLevel(logging.ERROR)
    assert create_logger(app(debug=True)).level == logging.ERROR


def test_a_handler_further_up_is_enough(top: logging.Logger) -> None:
    top.addHandler(logging.NullHandler())

    assert create_logger(app()).handlers == []


def test_has_level_handler_looks_as_far_up_as_records_go(top: logging.Logger) -> None:
    logger, handler = logging.getLogger("top.shop"), logging.NullHandler()
    assert not has_level_handler(logger)

    top.addHandler(handler)
    assert has_level_handler(logger)
    logger.propagate = False
    assert not has_level_handler(logger)
    logger.propagate = True
    handler.setLevel(logging.CRITICAL)
    assert not has_level_handler(logger)


def test_lines_go_to_stderr_in_flasks_format(capsys: pytest.CaptureFixture[str]) -> None:
    create_logger(app()).error("No.")

    assert capsys.readouterr().err.endswith("] ERROR in test_logging: No.\n")


def test_a_wsgi_request_has_a_stream_of_its_own() -> None:
    errors = io.StringIO()
    request = SimpleNamespace(environ={"wsgi.errors": errors})
    context_var.set(SimpleNamespace(request_context=SimpleNamespace(request=request)))
    try:
        create_logger(app()).error("No.")
    finally:
        context_var.set(None)

    assert errors.getvalue().endswith("ERROR in test_logging: No.\n")


@pytest.mark.parametrize("request_", [None, SimpleNamespace(), SimpleNamespace(environ={})])
def test_any_other_request_logs_to_stderr(request_: SimpleNamespace | None) -> None:
    context_var.set(SimpleNamespace(request_context=SimpleNamespace(request=request_)))
    try:
        stream = wsgi_errors_stream._get_current_object()  # type: ignore[attr-defined]  # a proxy
    finally:
        context_var.set(None)

    assert stream is sys.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/plain/päth ~!", "/plain/päth ~!"),
        ("/a\r\nERROR in app: no", "/a\\r\\nERROR in app: no"),
        ("/\x1b[2J\x00\x7f", "/\\x1b[2J\\x00\\x7f"),
        ("/\x9b\u2028\u202e", "/\\x9b\\u2028\\u202e"),
        ("/\u00a0\U0001f600", "/\u00a0\U0001f600"),
    ],
)
def test_what_a_client_sent_stays_one_line_without_escape_codes(text: str, line: str) -> None:
    """CVE-2020-7694 (uvicorn): escape codes in a logged path; log lines with CR/LF."""
    assert one_line(text) == line


def test_examples() -> None:
    assert doctest.testmod(asyncflask.logging) == (0, 1)
