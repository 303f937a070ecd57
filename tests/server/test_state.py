"""The access log: its lines, and what a client can write into them."""

from __future__ import annotations

import logging

import pytest

from asyncflask.protocol.events import RequestHead
from asyncflask.server.state import escape, log_request


def _request(method="GET", target=b"/"):
    return RequestHead(method, target, "/", b"/", b"", [], "1.1", False, True, False, "")


def test_a_request_is_one_line_of_the_common_log_format(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    log_request(("10.0.0.1", 5), _request(target=b"/a?b=c"), 200, 12)

    assert caplog.messages[0].startswith("10.0.0.1 - - [")
    assert caplog.messages[0].endswith('] "GET /a?b=c HTTP/1.1" 200 12')


def test_a_unix_client_has_no_address_and_an_empty_body_no_size(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    log_request(None, _request(), 204, 0)

    assert caplog.messages[0].startswith("- - - [")
    assert caplog.messages[0].endswith('" 204 -')


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_bytes_that_were_not_sent_are_not_counted(caplog, method, status):
    caplog.set_level(logging.INFO, "asyncflask.access")
    log_request(None, _request(method), status, 5)

    assert caplog.messages[0].endswith(f'" {status} -')


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"/plain-~x", "/plain-~x"),
        (b"/\x1b[2J", r"/\x1b[2J"),
        (b"/\r\n10.0.0.1", r"/\x0d\x0a10.0.0.1"),
        (b'/"', r"/\x22"),
        (b"/\\", r"/\x5c"),
        (b"/\xff\x7f", r"/\xff\x7f"),
    ],
)
def test_line_breaks_and_control_characters_are_escaped(data, shown):
    """CVE-2020-7694."""
    assert escape(data) == shown
