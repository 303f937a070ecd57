"""WSGI applications behind an ASGI server: PEP 3333 on one side, ASGI's messages on the other."""

from __future__ import annotations

import asyncio
import threading

import pytest

from asyncflask import Flask
from asyncflask.wsgi.adapter import serve_wsgi


@pytest.fixture
def host():
    host = Flask(__name__)
    yield host

    assert (host.workers.busy, host.workers.parked) == (0, 0)


async def exchange(host, application, *, body=b"", method="GET", **scope):
    """Serve one request and return the messages that were sent."""
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "headers": [(b"content-length", b"%d" % len(body))] if body else [],
        **scope,
    }
    messages = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
    sent = []

    async def send(message):
        sent.append(message)

    await serve_wsgi(host, application, scope, messages.get, send)
    return sent


def answering(body, *headers, status="200 OK"):
    def application(environ, start_response):
        start_response(status, list(headers))
        return body

    return application


class Closing:
    """A body that records the threads in which it is iterated and closed."""

    def __init__(self, *pieces, fails=None):
        self.pieces, self.fails = list(pieces), fails
        self.threads, self.closed = [], 0

    def __iter__(self):
        for piece in self.pieces:
            self.threads.append(threading.get_ident())
            yield piece
        if self.fails is not None:
            raise self.fails

    def close(self):
        self.threads.append(threading.get_ident())
        self.closed += 1


def text_of(sent):
    return b"".join(message.get("body", b"") for message in sent)


async def test_a_list_is_two_messages(host):
    start, body = await exchange(host, answering([b"a", b"b"], ("X-A", "b"), status="201 Made"))

    assert (start["status"], start["headers"]) == (201, [(b"x-a", b"b")])
    assert body == {"type": "http.response.body", "body": b"ab"}


async def test_one_piece_of_the_announced_length_is_two_messages_too(host):
    body = Closing(b"abc")
    sent = await exchange(host, answering(body, ("Content-Length", "3")))

    assert (len(sent), text_of(sent)) == (2, b"abc")
    assert body.closed == 1


@pytest.mark.parametrize("fails", [None, ValueError("in close")])
async def test_a_body_of_the_announced_length_is_closed_when_it_was_sent(host, fails):
    sent, sent_before = [], []

    class Late(Closing):
        def close(self):
            sent_before.extend(sent)
            super().close()
            if fails is not None:
                raise fails

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    application = answering(Late(b"abc"), ("Content-Length", "3"))
    serving = serve_wsgi(host, application, scope, asyncio.Queue().get, send)
    if fails is None:
        await serving
    else:
        with pytest.raises(ValueError, match="in close"):
            await serving

    assert (text_of(sent_before), sent_before) == (b"abc", sent)


async def test_an_announced_length_of_nothing(host):
    body = Closing()
    sent = await exchange(host, answering(body, ("Content-Length", "0")))

    assert (text_of(sent), body.closed) == (b"", 1)


async def test_anything_else_is_streamed_on_one_thread_and_closed_there(host):
    body = Closing(b"a", b"b", b"c")
    sent = await exchange(host, answering(body))

    assert sent[1] == {"type": "http.response.body", "body": b"a", "more_body": True}
    assert text_of(sent) == b"abc"
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert body.closed == 1
    assert len(set(body.threads)) == 1
    assert body.threads[0] != threading.get_ident()


async def test_bytes_of_write_are_sent_first(host):
    def application(environ, start_response):
        write = start_response("200 OK", [])
        write(b"written ")
        return iter([b"returned"])

    assert text_of(await exchange(host, application)) == b"written returned"


async def test_start_response_may_be_called_by_the_first_piece(host):
    def application(environ, start_response):
        start_response("202 Accepted", [])
        yield b"late"

    sent = await exchange(host, application)

    assert (sent[0]["status"], text_of(sent)) == (202, b"late")


async def test_head_gets_no_body_and_the_body_is_closed(host):
    body = Closing(b"a", b"b")
    sent = await exchange(host, answering(body), method="HEAD")

    assert (text_of(sent), body.closed) == (b"", 1)


@pytest.mark.parametrize("headers", [[], [("Content-Length", "9")]])
async def test_a_body_that_fails_is_closed(host, headers):
    body = Closing(fails=ValueError("in the body"))

    with pytest.raises(ValueError, match="in the body"):
        await exchange(host, answering(body, *headers))
    assert body.closed == 1


async def test_a_header_with_a_line_break_is_refused(host):
    """CVE-2026-34519 and similar ones: nothing was sent before the error."""
    body = Closing(b"a")

    with pytest.raises(ValueError, match="newline"):
        await exchange(host, answering(body, ("X-A", "b\r\nX-C: d")))
    assert body.closed == 1


async def test_the_body_is_read_up_to_its_end(host):
    def application(environ, start_response):
        start_response("200 OK", [])
        assert environ["wsgi.input_terminated"]
        return [environ["wsgi.input"].read()]

    assert text_of(await exchange(host, application, body=b"x" * 100, method="POST")) == b"x" * 100


async def test_a_client_that_disconnects_ends_the_response_without_an_error(host):
    body = Closing(*[b"x"] * 100)

    async def send(message):
        raise OSError("gone")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await serve_wsgi(host, answering(body), scope, asyncio.Queue().get, send)

    assert body.closed == 1
