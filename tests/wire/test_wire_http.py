"""HTTP end to end: bytes into the embedded server, an app behind it, bytes out; no socket, no time.

``tests/protocol`` tests each malformed byte; here it is what a client and an app see of it.
"""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from asyncflask import Flask, request
from asyncflask.server import Config
from asyncflask.testing import WireClient

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": []}
MORE = {"type": "http.response.body", "body": b"Hello", "more_body": True}
LAST = {"type": "http.response.body", "body": b""}


@pytest.fixture
def app():
    app = Flask(__name__)
    app.go_on = asyncio.Event()
    app.seen = []

    @app.before_request
    async def note():
        app.seen.append(request.path)

    @app.get("/")
    async def index():
        return "Hello"

    @app.post("/echo")
    async def echo():
        return await request.get_data()

    @app.post("/sync")
    def sync():
        return request.data

    @app.post("/unread")
    async def unread():
        return "I did not look."

    @app.get("/wait")
    async def wait():
        await app.go_on.wait()
        return "Waited"

    @app.get("/stream")
    async def stream():
        async def pieces():
            try:
                for word in ("Hel", "lo"):
                    yield word
                    await app.go_on.wait()
            finally:
                app.seen.append("end of stream")

        return pieces()

    return app


@pytest.fixture
async def wire(app):
    async with WireClient(app) as wire:
        yield wire


def post(path, body=b"", *headers):
    lines = [b"POST %b HTTP/1.1" % path, b"Host: a", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def split(answer):
    """Return status, headers and body of a response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


# -- one request after the other -------------------------------------------------------------------


async def test_a_connection_takes_one_request_after_the_other(wire):
    for _ in range(3):
        await wire.send(GET)
        status, headers, body = split(await wire.receive())

        assert (status, headers[b"content-length"], body) == (200, b"5", b"Hello")
        assert b"connection" not in headers


async def test_pipelined_requests_are_answered_in_their_order(app, wire):
    """:rfc:`9112` §9.3.2."""
    await wire.send(GET.replace(b"/ ", b"/wait ") + GET + post(b"/echo", b"abc", CL % 3) + GET)
    assert app.seen == ["/wait"]
    app.go_on.set()
    answer = await wire.receive()

    assert app.seen == ["/wait", "/", "/echo", "/"]
    assert [part[-6:].strip() for part in answer.split(b"HTTP/1.1 200")[1:]] == [
        *(b"Waited", b"Hello", b"abc", b"Hello"),
    ]


CL = b"Content-Length: %d"
CHUNKED = b"Transfer-Encoding: chunked"


async def test_a_client_that_wants_to_close_is_answered_and_closed(wire):
    await wire.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
    answer = await wire.receive_all()

    assert split(answer)[1][b"connection"] == b"close"
    assert answer.count(b"HTTP/1.1 200") == 1


async def test_an_app_can_close_the_connection():
    start = {**START, "headers": [(b"connection", b"close")]}

    async with WireClient(sending(start, LAST)) as wire:
        await wire.send(GET + GET)

        assert (await wire.receive_all()).count(b"HTTP/1.1 200") == 1


async def test_after_a_close_the_server_reads_on_until_the_client_has_read_the_response(wire):
    """:rfc:`9112` §9.6."""
    await wire.send(b"nonsense\r\n\r\n")
    assert (await wire.receive_all()).startswith(b"HTTP/1.1 400")
    await wire.send(GET)
    assert wire.connections == 1
    await wire.advance(5)

    assert wire.connections == 0


# -- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/echo", b"/sync"])
@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("header", "body"),
    [(CL % 5, b"Hello"), (CHUNKED, b"2\r\nHe\r\n3;a=b\r\nllo\r\n0\r\nTrailer: x\r\n\r\n")],
    ids=["length", "chunked"],
)
async def test_a_body_arrives_however_it_is_sent(wire, path, size, header, body):
    await wire.send(post(path, body, header) + GET, split=size)
    first, second = (await wire.receive()).split(b"HTTP/1.1 200")[1:]

    assert first.endswith(b"\r\n\r\nHello")
    assert second.endswith(b"\r\n\r\nHello")


async def test_a_100_continue_is_sent_when_the_app_reads(wire):
    """:rfc:`9110` §10.1.1."""
    await wire.send(post(b"/echo", b"", CL % 5, b"Expect: 100-continue"))
    assert await wire.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"Hello")

    assert split(await wire.receive())[::2] == (200, b"Hello")


async def test_no_100_continue_is_sent_if_the_app_does_not_read(wire):
    """The next bytes might be a body or the next request, so the connection is closed."""
    await wire.send(post(b"/unread", b"", CL % 5, b"Expect: 100-continue"))
    status, headers, body = split(await wire.receive_all())

    assert (status, body) == (200, b"I did not look.")
    assert headers[b"connection"] == b"close"


async def test_a_100_continue_is_sent_before_the_first_byte_of_the_response_body():
    """The start of a response is sent together with the first of its body."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send(START)
        await send({**LAST, "body": (await receive())["body"]})

    async with WireClient(app) as wire:
        await wire.send(post(b"/", b"", CL % 5, b"Expect: 100-continue"))
        assert await wire.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(b"Hello")

        assert split(await wire.receive())[::2] == (200, b"Hello")


async def test_no_100_continue_is_sent_in_the_middle_of_a_response():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send(START)
        await send(MORE)
        await receive()
        await send(LAST)

    async with WireClient(app) as wire:
        await wire.send(post(b"/", b"", CL % 5, b"Expect: 100-continue"))
        assert split(await wire.receive())[2] == b"5\r\nHello\r\n"
        await wire.send(b"Hello")

        assert await wire.receive() == b"0\r\n\r\n"


async def test_no_100_continue_is_sent_to_a_client_that_has_sent_its_body(wire):
    await wire.send(post(b"/echo", b"Hello", CL % 5, b"Expect: 100-continue"))

    assert (await wire.receive()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("header", "body"), [(CL % 5, b"Hello"), (CHUNKED, b"5\r\nHello\r\n0\r\n\r\n")]
)
async def test_a_body_that_was_not_read_is_not_the_next_request(app, wire, header, body):
    """CVE-2022-29361."""
    await wire.send(post(b"/unread", body, header) + GET)
    await wire.receive()

    assert app.seen in (["/unread", "/"], ["/unread"])


async def test_a_body_that_comes_after_the_response_is_not_the_next_request(app, wire):
    """CVE-2022-29361: the app reads on, up to the announced length."""
    await wire.send(post(b"/unread", b"", CL % len(SMUGGLED)))
    await wire.send(SMUGGLED + GET)

    assert (await wire.receive()).count(b"HTTP/1.1 200") == 2
    assert app.seen == ["/unread", "/"]


@pytest.mark.parametrize("header", [CL % 5, CHUNKED])
async def test_a_body_that_the_app_does_not_read_ends_the_connection(header):
    async with WireClient(sending(START, LAST)) as wire:
        await wire.send(post(b"/", b"", header))
        await wire.send(SMUGGLED)
        answer = await wire.receive_all()

    assert split(answer)[1][b"connection"] == b"close"
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_streamed_response_is_chunked(app, wire):
    await wire.send(GET.replace(b"/ ", b"/stream "))
    _, headers, body = split(await wire.receive())
    assert headers[b"transfer-encoding"] == b"chunked"
    assert b"content-length" not in headers
    assert body == b"3\r\nHel\r\n"
    app.go_on.set()

    assert await wire.receive() == b"2\r\nlo\r\n0\r\n\r\n"


async def test_the_response_to_head_has_headers_and_no_body(wire):
    """:rfc:`9110` §9.3.2."""
    await wire.send(GET.replace(b"GET", b"HEAD") + GET)
    first, second = (await wire.receive()).split(b"HTTP/1.1 200 OK\r\n")[1:]

    assert b"content-length: 5\r\n" in first
    assert first.endswith(b"\r\n\r\n")
    assert second.endswith(b"\r\n\r\nHello")


# -- HTTP/1.0 --------------------------------------------------------------------------------------


async def test_an_http_1_0_connection_is_closed_after_the_response(wire):
    await wire.send(b"GET / HTTP/1.0\r\n\r\n")
    status, headers, body = split(await wire.receive_all())

    assert (status, body) == (200, b"Hello")
    assert headers[b"connection"] == b"close"


async def test_http_1_0_may_ask_to_keep_the_connection(wire):
    for _ in range(2):
        await wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        _, headers, body = split(await wire.receive())

        assert (headers[b"connection"], body) == (b"keep-alive", b"Hello")
    assert not wire.closed


async def test_a_stream_to_http_1_0_ends_with_the_connection(app, wire):
    app.go_on.set()
    await wire.send(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    _, headers, body = split(await wire.receive_all())

    assert b"transfer-encoding" not in headers
    assert body == b"Hello"


# -- time ------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_closed_without_a_response(wire):
    await wire.send(GET)
    await wire.receive()
    await wire.advance(4.9)
    assert not wire.closed
    await wire.advance(0.1)

    assert await wire.receive_all() == b""
    assert not wire.aborted


async def test_a_connection_without_a_request_is_closed(wire):
    await wire.advance(10)

    assert wire.closed


async def test_a_head_that_is_not_complete_in_time_is_answered_408(wire):
    """Slowloris: also if the client sends a byte now and then."""
    for byte in GET[:9]:
        await wire.send(bytes([byte]))
        await wire.advance(1)
    assert not wire.closed
    await wire.advance(1)

    assert split(await wire.receive_all())[0] == 408


async def test_the_timeout_begins_again_with_the_second_head(wire):
    await wire.send(GET)
    await wire.receive()
    await wire.advance(4)
    await wire.send(GET[:5])
    await wire.advance(9.9)
    assert not wire.closed
    await wire.advance(0.1)

    assert split(await wire.receive_all())[0] == 408


async def test_a_body_that_stops_coming_is_answered_408(wire):
    await wire.send(post(b"/echo", b"He", CL % 5))
    await wire.advance(59)
    await wire.send(b"l")
    await wire.advance(59)
    assert not wire.closed
    await wire.advance(1)

    assert split(await wire.receive_all())[0] == 408
    await wire.finish()


async def test_a_body_that_stops_coming_in_a_def_view_is_answered_408(wire):
    """The time counts from the moment when the worker's thread waits, before the first 59 s end."""
    await wire.send(post(b"/sync", b"He", CL % 5))
    await wire.advance(59)
    assert not wire.closed
    await wire.advance(61)

    assert split(await wire.receive_all())[0] == 408
    await wire.finish()


async def test_a_slow_app_has_no_timeout(app, wire):
    await wire.send(GET.replace(b"/ ", b"/wait "))
    await wire.advance(3600)
    app.go_on.set()

    assert split(await wire.receive())[::2] == (200, b"Waited")


async def test_a_client_that_reads_nothing_is_cut_off():
    async with WireClient(endless) as wire:
        wire.hold()
        await wire.send(GET)
        await wire.advance(59)
        assert not wire.aborted
        await wire.advance(1)

        assert wire.aborted
        assert wire.running == 0


async def test_a_client_that_reads_slowly_is_not_cut_off():
    async with WireClient(endless) as wire:
        wire.hold()
        await wire.send(GET)
        for _ in range(10):
            await wire.advance(50)
            await wire.release(1000)

        assert not wire.aborted
        assert wire.running == 1


CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("ask", [GET, CLOSE], ids=["keep-alive", "close"])
@pytest.mark.parametrize("half_close", [False, True])
async def test_a_slow_client_gets_the_whole_of_a_large_response(ask, half_close):
    """Neither the idle timeout nor that of a close runs while the response is being read."""
    async with WireClient(sending(START, {**LAST, "body": b"x" * 500_000})) as wire:
        wire.hold()
        await wire.send(ask)
        if half_close:
            await wire.half_close()
        for _ in range(40):
            await wire.advance(5)
            await wire.release(10_000)
            assert not wire.aborted
        await wire.release()

        assert split(await wire.receive())[2] == b"x" * 500_000


@pytest.mark.parametrize("ask", [GET, CLOSE], ids=["keep-alive", "close"])
async def test_a_client_that_does_not_read_the_end_of_a_response_is_cut_off(ask):
    async with WireClient(sending(START, {**LAST, "body": b"x" * 1000})) as wire:
        wire.hold()
        await wire.send(ask)
        await wire.advance(60)
        assert not wire.aborted
        await wire.advance(1)

        assert wire.aborted


async def test_the_timeout_of_a_close_begins_when_the_response_was_read():
    async with WireClient(sending(START, {**LAST, "body": b"x" * 500_000})) as wire:
        wire.hold()
        await wire.send(CLOSE)
        await wire.advance(30)
        await wire.release()
        await wire.advance(5)
        assert wire.connections == 1
        await wire.advance(1)

        assert wire.connections == 0


async def test_the_idle_timeout_begins_when_the_response_was_read():
    async with WireClient(sending(START, {**LAST, "body": b"x" * 500_000})) as wire:
        wire.hold()
        await wire.send(GET)
        await wire.advance(30)
        await wire.release()
        await wire.advance(4)
        assert not wire.closed
        await wire.advance(2)

        assert wire.closed


async def test_a_body_that_the_app_no_longer_reads_has_no_timeout():
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        receiving = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        receiving.cancel()
        await go_on.wait()
        await sending(START, LAST)(scope, receive, send)

    go_on = asyncio.Event()

    async with WireClient(app) as wire:
        await wire.send(post(b"/", b"", CL % 5))
        await wire.advance(100)
        go_on.set()

        assert split(await wire.receive())[0] == 200


async def endless(scope, receive, send):
    assert scope["type"] == "http"
    await send(START)
    while True:
        await send({**MORE, "body": b"x" * 10_000})


# -- clients that leave ----------------------------------------------------------------------------


async def test_a_stream_ends_when_its_client_disconnects(app, wire):
    await wire.send(GET.replace(b"/ ", b"/stream "))
    await wire.disconnect()
    app.go_on.set()
    await wire.finish()

    assert app.seen == ["/stream", "end of stream"]


@pytest.mark.parametrize("path", [b"/echo", b"/sync"])
@pytest.mark.parametrize("leave", ["half_close", "disconnect"])
async def test_a_body_that_is_cut_off_reaches_no_view(caplog, app, wire, path, leave):
    await wire.send(post(path, b"He", CL % 5))
    await getattr(wire, leave)()
    answer = await wire.receive_all()

    assert answer == b"" or split(answer)[0] == 400
    await wire.finish()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_disconnects_within_a_head_leaves_nothing_behind(app, wire):
    await wire.send(GET[:20])
    await wire.half_close()
    await wire.receive_all()

    assert (app.seen, wire.connections) == ([], 0)


async def test_a_client_that_closes_its_sending_side_gets_its_response(app, wire):
    await wire.send(GET.replace(b"/ ", b"/wait ") + GET)
    await wire.half_close()
    app.go_on.set()

    assert (await wire.receive_all()).count(b"HTTP/1.1 200") == 2


# -- trailers, hints, files ------------------------------------------------------------------------


def sending(*messages):
    """Make an app that sends these messages and ends."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        for message in messages:
            await send(message)

    return app


def trailers(*headers, more=False):
    return {"type": "http.response.trailers", "headers": headers, "more_trailers": more}


async def test_trailers_follow_the_last_chunk():
    app = sending({**START, "trailers": True}, MORE, LAST, trailers((b"etag", b'"a"')))

    async with WireClient(app) as wire:
        await wire.send(GET + GET)
        answer = await wire.receive()

    assert answer.count(b'5\r\nHello\r\n0\r\netag: "a"\r\n\r\n') == 2


async def test_trailers_may_come_in_several_messages():
    first, second = trailers((b"a", b"1"), more=True), trailers((b"b", b"2"))

    async with WireClient(sending({**START, "trailers": True}, LAST, first, second)) as wire:
        await wire.send(GET)

        assert (await wire.receive()).endswith(b"\r\n\r\n0\r\na: 1\r\nb: 2\r\n\r\n")


@pytest.mark.parametrize("line", [b"HEAD / HTTP/1.1\r\nHost: a", b"GET / HTTP/1.0"])
async def test_trailers_are_dropped_from_a_response_without_chunks(line):
    app = sending({**START, "trailers": True}, MORE, LAST, trailers((b"etag", b'"a"')))

    async with WireClient(app) as wire:
        await wire.send(line + b"\r\nConnection: close\r\n\r\n")
        answer = await wire.receive_all()

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"etag" not in answer


async def test_early_hints_come_before_the_response():
    """:rfc:`8297`."""
    hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}

    async with WireClient(sending(hint, START, LAST)) as wire:
        await wire.send(GET)
        first, _, second = (await wire.receive()).partition(b"\r\n\r\n")

    assert first == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload"
    assert second.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("content", [b"", b"Hello", b"x" * 1_000_000], ids=len)
async def test_a_file_is_sent_by_its_path(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    path = {"type": "http.response.pathsend", "path": str(tmp_path / "file")}

    async with WireClient(sending(START, path)) as wire:
        await wire.send(CLOSE)
        _, headers, body = split(await wire.receive_all())

    assert headers[b"content-length"] == b"%d" % len(content)
    assert body == content


# -- apps that misbehave ---------------------------------------------------------------------------


def length(size):
    return {**START, "headers": [(b"content-length", b"%d" % size)]}


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([], "ended without an answer"),
        ([LAST], "'http.response.body' was sent to the http connection in state WAITING"),
        ([START, START], "'http.response.start' was sent .* in state STARTED"),
        ([{**START, "status": "200"}], "status='200'; it must be an int"),
        ([{**START, "status": 99}, LAST], "99"),
        ([{**START, "headers": [(b"a", b"b\r\nc: d")]}, LAST], r"b'b\\r\\nc: d'"),
        ([{**START, "headers": [(b"a", b"b\x00")]}, LAST], r"b'b\\x00'"),
        ([{**START, "headers": [(b"a b", b"c")]}, LAST], "b'a b'"),
        ([length(3), {**LAST, "body": b"Hello"}], "3.*5|5.*3"),
        ([length(9), {**LAST, "body": b"Hello"}], "9.*5|5.*9"),
        ([{"type": "http.response.push", "path": "/", "headers": []}], "does not offer"),
    ],
)
async def test_an_illegal_message_before_the_first_byte_is_a_500(caplog, messages, named):
    async with WireClient(sending(*messages)) as wire:
        await wire.send(GET + GET)
        status, headers, _ = split(await wire.receive_all())

    assert (status, headers[b"connection"]) == (500, b"close")
    assert "The app at GET '/'" in caplog.text
    assert re.search(named, caplog.text)


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([START, MORE], "did not complete its answer"),
        ([START, MORE, START], "in state STARTED"),
        ([length(9), MORE], "did not complete its answer"),
        ([length(9), MORE, LAST], "9"),
        ([length(7), MORE, MORE], "7"),
        ([START, MORE, {**MORE, "body": "text"}], "it must be bytes"),
        ([{**START, "trailers": True}, MORE, LAST], "did not complete its answer"),
        ([START, MORE, trailers((b"a", b"b"))], "in state STARTED"),
    ],
)
async def test_an_illegal_message_within_a_response_cuts_it_off(caplog, messages, named):
    """The client must see that the response is incomplete. (:rfc:`9112` §8.)"""
    async with WireClient(sending(*messages)) as wire:
        await wire.send(GET + GET)
        answer = await wire.receive_all()

        assert wire.aborted
    assert answer.count(b"HTTP/1.1") == 1
    assert b"0\r\n\r\n" not in answer
    assert named in caplog.text


@pytest.mark.parametrize("messages", [[], [START]])
async def test_an_exception_before_the_first_byte_is_a_500(caplog, messages):
    async with WireClient(failing(*messages)) as wire:
        await wire.send(GET)

        assert split(await wire.receive_all())[0] == 500
    assert "ZeroDivisionError" in caplog.text


async def test_an_exception_within_a_response_cuts_it_off(caplog):
    async with WireClient(failing(START, MORE)) as wire:
        await wire.send(GET)
        await wire.receive_all()

        assert wire.aborted
    assert "ZeroDivisionError" in caplog.text


async def test_an_exception_after_the_response_does_not_harm_the_connection(caplog):
    async with WireClient(failing(START, LAST)) as wire:
        await wire.send(GET + GET)

        assert (await wire.receive()).count(b"HTTP/1.1 200") == 2
        assert not wire.closed
    assert caplog.text.count("ZeroDivisionError") >= 2


def failing(*messages):
    """Make an app that sends these messages and fails."""

    async def app(scope, receive, send):
        await sending(*messages)(scope, receive, send)
        raise ZeroDivisionError

    return app


async def test_a_message_after_the_response_is_refused(caplog):
    async with WireClient(sending(START, LAST, LAST)) as wire:
        await wire.send(GET + GET)

        assert (await wire.receive()).count(b"HTTP/1.1 200") == 2
    assert "in state COMPLETE" in caplog.text


async def test_an_error_of_a_view_is_an_error_page_and_the_connection_is_kept(app, wire, caplog):
    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError

    await wire.send(GET.replace(b"/ ", b"/broken ") + GET)
    first, second = (await wire.receive()).split(b"HTTP/1.1 ")[1:]

    assert first.startswith(b"500")
    assert second.startswith(b"200")
    assert "ZeroDivisionError" in caplog.text


# -- too much of everything ------------------------------------------------------------------------


async def test_one_connection_too_many_is_refused(app):
    async with WireClient(app, Config(connections=1)) as wire:
        other = wire.connect()
        assert split(await other.receive_all())[0] == 503
        await wire.send(GET)

        assert split(await wire.receive())[0] == 200


async def test_thousands_of_pipelined_requests_are_not_read_ahead(app, wire):
    """CVE-2026-54273: the queue is bounded, and reading pauses."""
    await wire.send(GET.replace(b"/ ", b"/wait ") + GET * 40_000)
    assert wire.unread > len(GET) * 20_000
    app.go_on.set()
    await wire.receive_until(b"Waited")

    assert wire.unread < len(GET) * 40_000


async def test_a_body_that_the_app_does_not_read_is_not_read_ahead(app, wire):
    @app.post("/late")
    async def late():
        await app.go_on.wait()
        return str(len(await request.get_data()))

    await wire.send(post(b"/late", b"x" * 2_000_000, CL % 2_000_000))
    assert wire.unread > 1_000_000
    app.go_on.set()

    assert split(await wire.receive())[2] == b"2000000"
    assert wire.unread == 0


async def test_a_megabyte_in_chunks_of_one_byte_is_accepted(wire):
    """CVE-2025-69229."""
    await wire.send(post(b"/echo", b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n", CHUNKED))

    assert split(await wire.receive())[1][b"content-length"] == b"50000"


# -- requests that two readers could read differently ----------------------------------------------

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
TE_AND_CL = post(b"/echo", b"0\r\n\r\n", CHUNKED, CL % 4)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(TE_AND_CL, 400, id="CVE-2023-47641 TE with CL"),
        pytest.param(post(b"/echo", b"", b"Transfer-Encoding: xchunked"), 400, id="odd TE"),
        pytest.param(
            post(b"/echo", b"", b"Transfer-Encoding: chunked, chunked"), 501, id="TE twice"
        ),
        pytest.param(post(b"/echo", b"", CHUNKED, CHUNKED), 501, id="CVE-2019-16786 TE doubled"),
        pytest.param(post(b"/echo", b"", b"Transfer-Encoding : chunked"), 400, id="space before :"),
        pytest.param(
            post(b"/echo", b"0\r\n\r\n", CHUNKED).replace(b"1.1", b"1.0"), 400, id="TE in HTTP/1.0"
        ),
        pytest.param(post(b"/echo", b"a", CL % 1, CL % 2), 400, id="CVE-2019-16789 doubled CL"),
        pytest.param(post(b"/echo", b"a", b"Content-Length: 1, 1"), 400, id="CL list"),
        pytest.param(post(b"/echo", b"a", b"Content-Length: +1"), 400, id="CVE-2023-37276 +1"),
        pytest.param(post(b"/echo", b"a", b"Content-Length: \xb2"), 400, id="CVE-2025-69225 digit"),
        pytest.param(post(b"/echo", b"", b"Content-Length: -1"), 400, id="CL negative"),
        pytest.param(post(b"/echo", b"", b"A: b\nC: d"), 400, id="CVE-2019-16785 bare LF"),
        pytest.param(post(b"/echo", b"", b"A: b\rC: d"), 400, id="bare CR"),
        pytest.param(post(b"/echo", b"", b"A: b\x00"), 400, id="CVE-2023-47627 NUL"),
        pytest.param(post(b"/echo", b"", b"A: b", b" c"), 400, id="obs-fold"),
        pytest.param(GET.replace(b"\r\n", b"\n"), 400, id="LF alone"),
        pytest.param(b"\r\n\r\n\r\n" + GET, 400, id="flood of empty lines"),
        pytest.param(GET.replace(b"a\r\n", b"a\r\nHost: b\r\n"), 400, id="CVE-2026-34525 Host"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(GET.replace(b": a", b": a/?x"), 400, id="CVE-2026-48710 Host grammar"),
        pytest.param(GET.replace(b": a", b": a@b"), 400, id="Host with user"),
        pytest.param(GET.replace(b"/ ", b"?a=b "), 400, id="target without path"),
        pytest.param(GET.replace(b"/ ", b"@evil.test "), 400, id="CVE-2026-54282 target"),
        pytest.param(GET.replace(b"/ ", b"/\x1b[2J "), 400, id="escape in target"),
        pytest.param(GET.replace(b"/ ", b"/a b "), 400, id="space in target"),
        pytest.param(GET.replace(b"/ ", b"/#a "), 400, id="fragment in target"),
        pytest.param(GET.replace(b"/ ", b"* "), 400, id="* for GET"),
        pytest.param(GET.replace(b"GET", b"G(T"), 400, id="CVE-2023-49082 method"),
        pytest.param(GET.replace(b"1.1", b"1.1\x0b"), 400, id="CVE-2023-49081 version"),
        pytest.param(GET.replace(b"1.1", b"2.0"), 505, id="version 2.0"),
        pytest.param(b"GET /\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501, id="hypercorn 277 CONNECT"),
        pytest.param(GET.replace(b"/ ", b"/" + b"a" * 70_000 + b" "), 414, id="long target"),
        pytest.param(post(b"/", b"", b"A: " + b"a" * 70_000), 431, id="CVE-2026-54277 long header"),
        pytest.param(post(b"/", b"", *[b"A: b"] * 200), 431, id="many headers"),
        pytest.param(post(b"/echo", b"", CL % 1, b"Expect: magic"), 417, id="odd Expect"),
    ],
)
@pytest.mark.parametrize("size", [1000, 1_000_000])
async def test_what_proxies_disagree_on_is_refused_and_closed(app, wire, sent, status, size):
    await wire.send(sent + SMUGGLED, split=size)
    answer = await wire.receive_all()

    assert split(answer)[0] == status
    assert split(answer)[1][b"connection"] == b"close"
    assert answer.count(b"\r\nserver: ") == 1
    assert app.seen == []


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(b"5\r\nHelloXX0\r\n\r\n", id="CVE-2025-43859 any two bytes behind a chunk"),
        pytest.param(b"5;a=\n\r\nHello\r\n0\r\n\r\n", id="CVE-2024-52304 LF in an extension"),
        pytest.param(b"5\nHello\r\n0\r\n\r\n", id="LF behind a size"),
        pytest.param(b"+5\r\nHello\r\n0\r\n\r\n", id="sign"),
        pytest.param(b"0x5\r\nHello\r\n0\r\n\r\n", id="0x"),
        pytest.param(b" 5\r\nHello\r\n0\r\n\r\n", id="space"),
        pytest.param(b"f" * 20 + b"\r\nHello", id="size beyond reason"),
        pytest.param(b"5\r\nHello\r\n0\r\nA: b\nC: d\r\n\r\n", id="CVE-2025-53643 LF in trailers"),
        pytest.param(b"0\r\n" + b"a: b\r\n" * 20_000, id="CVE-2026-22815 endless trailers"),
        pytest.param(b"0;" + b"a" * 100_000, id="endless extension"),
    ],
)
@pytest.mark.parametrize("path", [b"/echo", b"/sync", b"/unread"])
async def test_a_chunked_body_that_proxies_disagree_on_ends_the_connection(app, wire, path, chunks):
    await wire.send(post(path, chunks, CHUNKED) + SMUGGLED)
    answer = await wire.receive_all()

    assert answer.count(b"HTTP/1.1 ") <= 1
    if path != b"/unread":
        assert 400 <= split(answer)[0] < 500
    assert app.seen == [path.decode()]


async def test_an_upgrade_header_without_a_connection_header_is_ignored(app, wire):
    """:rfc:`9110` §7.8."""
    await wire.send(GET.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"))

    assert split(await wire.receive())[0] == 200


async def test_a_path_that_begins_with_two_slashes_redirects_nowhere_else(app, wire):
    """CVE-2020-28724, CVE-2021-21330: a Location never begins with ``//``."""
    app.add_url_rule("/<path:rest>/", "folder", lambda rest: rest)
    await wire.send(GET.replace(b"/ ", b"//evil.test/a "))
    _, headers, _ = split(await wire.receive())

    assert not headers.get(b"location", b"").startswith(b"//")
    assert b"//evil.test" not in headers.get(b"location", b"")


async def test_the_log_of_requests_is_escaped(caplog, app):
    """CVE-2020-7694."""
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(app) as wire:
        await wire.send(GET.replace(b"/ ", b'/%1b[2J"%0d%0a '))
        await wire.send(GET.replace(b"/ ", b"/\x1b[2J "))
        await wire.receive_all()

    assert "\x1b" not in caplog.text
    assert '"GET /%1b[2J\\x22%0d%0a HTTP/1.1" 4' in caplog.text


# -- what websockets have to do with it ------------------------------------------------------------

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
def chat(app):
    from asyncflask import websocket

    @app.websocket("/chat")
    async def chat():
        while True:
            await websocket.send(await websocket.receive())


async def test_a_websocket_echoes(chat, wire):
    await wire.send(UPGRADE + b"\x81\x85\x00\x00\x00\x00Hello", split=3)
    head, _, frame = (await wire.receive()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 101")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert frame == b"\x81\x05Hello"


async def test_a_frame_that_announces_too_many_bytes_is_refused_before_its_payload(chat, wire):
    """CVE-2026-54274."""
    await wire.send(UPGRADE)
    await wire.receive()
    await wire.send(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\x00\x00\x00\x00")

    assert (await wire.receive())[2:4] == (1009).to_bytes(2, "big")


async def test_a_subprotocol_that_is_not_ascii_does_not_harm_the_server(chat, wire):
    """CVE-2026-42544."""
    await wire.send(UPGRADE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: \xff\r\n\r\n"))

    assert split(await wire.receive_all())[0] == 400


async def test_a_view_that_refuses_a_websocket_sends_a_plain_response(app, wire):
    await wire.send(UPGRADE)

    assert split(await wire.receive_all())[0] == 404


async def test_a_server_that_stops_closes_websockets_with_1012(chat, wire):
    """1012: the service is restarted."""
    await wire.send(UPGRADE)
    await wire.receive()
    await wire.stop()

    assert (await wire.receive())[2:4] == (1012).to_bytes(2, "big")
