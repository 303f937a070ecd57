"""One HTTP request: the messages that its app receives and may send. Clients: tests/wire."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config
from asyncflask.testing.wire import WireClient

from .apps import GET, LAST, MORE, QUIET, START, App, post

CHUNKED = b"Transfer-Encoding: chunked"
GONE = {"type": "http.disconnect"}


def length(size):
    return b"Content-Length: %d" % size


def piece(body, more):
    return {"type": "http.request", "body": body, "more_body": more}


async def answer(send):
    await send(START)
    await send(LAST)


async def hear_all(receive, send):
    """Receive until the disconnect; respond after the body."""
    while (message := await receive())["type"] == "http.request":
        if not message["more_body"]:
            await answer(send)


async def ignore(receive, send):
    await answer(send)


# -- receive() -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (GET, [piece(b"", more=False)]),
        (post(b"Hello", length(5)), [piece(b"Hello", more=False)]),
        (post(b"2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n", CHUNKED), [piece(b"Hello", more=False)]),
    ],
    ids=["none", "length", "chunked"],
)
async def test_a_body_that_has_arrived_is_one_message(sent, heard):
    app = App(hear_all)
    async with WireClient(app, QUIET) as wire:
        await wire.send(sent)
        await wire.finish()

    assert app.heard == [*heard, GONE], "Behind the answer the client is as good as gone."


async def test_a_body_that_arrives_in_pieces_is_received_in_pieces():
    app = App(hear_all)
    async with WireClient(app, QUIET) as wire:
        await wire.send(post(b"He", length(5)))
        await wire.send(b"ll")
        await wire.send(b"o")
        await wire.finish()

    pieces = [piece(b"He", more=True), piece(b"ll", more=True), piece(b"o", more=False)]
    assert app.heard == [*pieces, GONE]


async def test_a_100_continue_is_sent_once():
    async with WireClient(App(hear_all), QUIET) as wire:
        await wire.send(post(b"", length(5), b"Expect: 100-continue"))
        await wire.send(b"He")
        await wire.send(b"llo")
        output = await wire.receive()

    assert output.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


async def test_a_client_that_closes_its_sending_side_is_a_disconnect_for_a_waiting_app():
    app = App(lambda receive, send: hear_until_gone(receive))
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        assert wire.running == 1
        await wire.half_close()
        await wire.advance(1)
        assert wire.running == 1, "It may read on."
        await wire.advance(1)
        await wire.finish()

    assert app.heard == [piece(b"", more=False), GONE]


async def hear_until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_the_body_before_a_malformed_part_is_received_and_then_a_disconnect():
    app = App(lambda receive, send: hear_until_gone(receive))
    async with WireClient(app, QUIET) as wire:
        await wire.send(post(b"5\r\nHello\r\n", CHUNKED))
        await wire.send(b"nonsense\r\n")

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 400 ")
        await wire.finish()
    assert app.heard == [piece(b"Hello", more=True), GONE]
    assert app.error is None


# -- a body that is not read -----------------------------------------------------------------------


async def test_an_unread_body_that_has_arrived_is_skipped():
    app = App(ignore)
    async with WireClient(app, QUIET) as wire:
        await wire.send(post(b"x" * 1000, length(1000)) + GET)

        assert (await wire.receive()).count(b"HTTP/1.1 200 ") == 2
        assert not wire.closed
    assert app.scope["method"] == "GET"


async def test_a_malformed_unread_body_ends_the_connection_after_the_response(caplog):
    """There is one response, so there is one line in the log."""
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(ignore)) as wire:
        await wire.send(post(b"nonsense\r\n", CHUNKED) + GET)
        output = await wire.receive_all()

    assert output.count(b"HTTP/1.1 ") == 1
    assert output.startswith(b"HTTP/1.1 200 ")
    assert [record.getMessage().split('"')[1:] for record in caplog.records] == [
        ["POST / HTTP/1.1", " 200 -"]
    ]


async def test_a_body_that_has_not_arrived_at_the_end_of_the_response_ends_the_connection():
    gate = asyncio.Event()

    async def in_two_pieces(receive, send):
        await send(START)
        await send(MORE)
        await gate.wait()
        await send(LAST)

    async with WireClient(App(in_two_pieces), QUIET) as wire:
        await wire.send(post(b"He", length(5)))
        gate.set()
        output = await wire.receive_all()

    assert output.endswith(b"\r\n\r\n5\r\nHello\r\n0\r\n\r\n")


# -- clients that disconnect -----------------------------------------------------------------------


async def left(wire):
    await wire.send(GET)
    await wire.disconnect()


async def test_sending_to_a_client_that_disconnected_is_an_os_error_that_is_not_logged(caplog):
    async def late(receive, send):
        await hear_until_gone(receive)
        await answer(send)

    app = App(late)
    async with WireClient(app) as wire:
        await left(wire)
        await wire.finish()

    with pytest.raises(OSError, match=r"'http\.response\.start' was sent after the client had"):
        raise app.error
    assert caplog.records == []


async def test_an_error_of_the_app_is_logged_after_its_client_has_disconnected(caplog):
    async def fail(receive, send):
        await hear_until_gone(receive)
        raise LookupError("lost")

    async with WireClient(App(fail)) as wire:
        await left(wire)
        await wire.finish()

    assert "The app at GET '/' failed." in caplog.text
    assert "LookupError: lost" in caplog.text


async def test_a_send_that_waits_ends_when_the_client_disconnects():
    async def flood(receive, send):
        await send(START)
        while True:
            await send({**MORE, "body": b"x" * 50_000})

    app = App(flood)
    async with WireClient(app, QUIET) as wire:
        wire.hold()
        await wire.send(GET)
        assert wire.running == 1
        await wire.disconnect()
        await wire.finish()

    assert isinstance(app.error, OSError)


# -- files -----------------------------------------------------------------------------------------

KB = 1024
END = b"|the end"


def content(size):
    return b"x" * (size - len(END)) + END


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content(700 * KB))
    return path


@pytest.fixture
def sender(path):
    """An app that sends the file."""

    async def send_file(receive, send):
        await send(START)
        await send({"type": "http.response.pathsend", "path": str(path)})

    return App(send_file)


async def begun(wire, request=GET):
    """Request the file without reading the response: one piece of it is written."""
    wire.hold()
    await wire.send(request)
    async with asyncio.timeout(5):
        while not wire.unsent:
            await asyncio.sleep(0.001)
    assert wire.unsent < 300 * KB


async def test_a_file_is_read_no_faster_than_the_client_reads(sender):
    async with WireClient(sender, QUIET) as wire:
        await begun(wire)
        await wire.release()
        head, _, body = (await wire.receive_until(END)).partition(b"\r\n\r\n")

        assert b"\r\ncontent-length: 716800" in head
        assert len(body) == 700 * KB
        assert not wire.closed


async def test_a_file_that_grows_meanwhile_is_sent_as_long_as_it_was(sender, path):
    async with WireClient(sender, QUIET) as wire:
        await begun(wire)
        with path.open("ab") as file:
            file.write(b"y" * 50 * KB)
        await wire.release()
        _, _, body = (await wire.receive_until(END)).partition(b"\r\n\r\n")

        assert len(body) == 700 * KB
        await wire.send(GET)
        assert (await wire.receive()).startswith(b"HTTP/1.1 200 ")
    assert sender.error is None


async def test_a_file_that_shrinks_meanwhile_is_cut_off(sender, path, caplog):
    """The client must see that the response is incomplete. (:rfc:`9112` §8.)"""
    async with WireClient(sender, QUIET) as wire:
        await begun(wire)
        with path.open("r+b") as file:
            file.truncate(300 * KB)
        await wire.release()
        await wire.receive_all()

        assert wire.aborted
    assert "its content-length says 716800" in caplog.text


async def test_a_file_that_is_not_there_is_a_500_and_named_in_the_log(sender, path, caplog):
    path.unlink()
    async with WireClient(sender, QUIET) as wire:
        await wire.send(GET)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
    assert "FileNotFoundError" in caplog.text


async def test_a_file_is_not_in_the_response_to_head(sender):
    async with WireClient(sender, QUIET) as wire:
        await wire.send(GET.replace(b"GET", b"HEAD"))
        output = await wire.receive()

    assert output.endswith(b"\r\ncontent-length: 716800\r\n\r\n")


async def test_reading_a_file_stops_when_the_client_disconnects(sender, caplog):
    async with WireClient(sender) as wire:
        await begun(wire)
        await wire.disconnect()
        await wire.finish()

    assert sender.error is None
    assert caplog.records == []


@pytest.fixture
async def worker():
    """The one thread in which files are read; ``stall()`` lets it wait until the event is set."""
    loop = asyncio.get_running_loop()
    event = threading.Event()
    executor = ThreadPoolExecutor(1)
    loop.set_default_executor(executor)
    event.stall = lambda: executor.submit(event.wait)
    yield event
    event.set()


async def test_a_client_that_disconnects_while_a_file_is_read_is_logged_with_the_bytes_it_got(
    path, caplog, worker
):
    caplog.set_level(logging.INFO, "asyncflask.access")
    path.write_bytes(content(300 * KB))

    async def send_file(receive, send):
        await send(START)
        await send({"type": "http.response.pathsend", "path": str(path)})

    app = App(send_file)
    async with WireClient(app) as wire:
        await begun(wire)
        worker.stall()
        await wire.release()
        assert wire.running == 1
        await wire.disconnect()
        worker.set()
        await wire.finish()

    assert app.error is None
    assert lines(caplog) == [["GET / HTTP/1.1", " 200 262144"]]


async def test_a_client_that_breaks_the_protocol_while_a_file_is_read_gets_no_more(path, worker):
    path.write_bytes(content(300 * KB))

    async def send_file_and_listen(receive, send):
        listening = asyncio.create_task(receive())
        await send(START)
        await send({"type": "http.response.pathsend", "path": str(path)})
        await listening

    app = App(send_file_and_listen)
    limits = Limits(body_timeout=5)
    async with WireClient(app, Config(access_log=False, limits=limits)) as wire:
        await begun(wire, post(b"", length(5)))
        worker.stall()
        await wire.release()
        await wire.advance(6)
        worker.set()
        output = await wire.receive_all()
        await wire.finish()

    assert output.count(b"HTTP/1.1 ") == 1
    assert len(output) < 300 * KB
    assert app.heard == [GONE]
    assert app.error is None


# -- the log ---------------------------------------------------------------------------------------


async def test_a_request_that_is_refused_in_its_body_is_logged(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(hear_all), Config(limits=Limits(body_timeout=5))) as wire:
        await wire.send(post(b"He", length(5)))
        await wire.advance(6)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 408 ")
    assert '"POST / HTTP/1.1" 408 ' in caplog.text


async def test_a_malformed_request_is_logged_without_its_request_line(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(hear_all)) as wire:
        await wire.send(b"\x16\x03\x01 nonsense")
        await wire.receive_all()

    assert '"- - HTTP/1.1" 400 ' in caplog.text
    assert "nonsense" not in caplog.text


def lines(caplog):
    """Request line, status and size of what was logged."""
    return [record.getMessage().split('"')[1:] for record in caplog.records]


async def stream_until_gone(receive, send):
    """Send a piece, and wait for the disconnect."""
    await send(START)
    await send(MORE)
    await hear_until_gone(receive)


@pytest.mark.parametrize("leave", ["disconnect", "half_close"])
async def test_a_stream_whose_client_disconnects_is_one_line_and_no_error(caplog, leave):
    caplog.set_level(logging.INFO)
    async with WireClient(App(stream_until_gone)) as wire:
        await wire.send(GET)
        await getattr(wire, leave)()
        await wire.advance(3)
        await wire.finish()

    assert lines(caplog) == [["GET / HTTP/1.1", " 200 5"]]


@pytest.mark.parametrize("leave", ["disconnect", "half_close"])
async def test_a_client_that_disconnects_before_its_response_is_logged_with_499(caplog, leave):
    caplog.set_level(logging.INFO)
    async with WireClient(App(lambda receive, send: hear_until_gone(receive))) as wire:
        await wire.send(GET)
        await getattr(wire, leave)()
        await wire.advance(3)
        await wire.finish()

    assert lines(caplog) == [["GET / HTTP/1.1", " 499 -"]]


async def test_an_upload_that_is_cut_off_is_logged_with_499(caplog):
    caplog.set_level(logging.INFO)
    async with WireClient(App(lambda receive, send: hear_until_gone(receive))) as wire:
        await wire.send(post(b"He", length(5)))
        await wire.disconnect()
        await wire.finish()

    assert lines(caplog) == [["POST / HTTP/1.1", " 499 -"]]


async def test_an_upload_whose_client_sends_no_more_is_logged_with_400(caplog):
    caplog.set_level(logging.INFO)
    async with WireClient(App(lambda receive, send: hear_until_gone(receive))) as wire:
        await wire.send(post(b"He", length(5)))
        await wire.half_close()

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 400 ")
        await wire.finish()
    assert lines(caplog) == [["POST / HTTP/1.1", " 400 -"]]


@pytest.mark.parametrize("leave", ["disconnect", "half_close"])
async def test_a_client_that_disconnects_with_the_whole_response_is_logged_with_its_status(
    caplog, leave
):
    """The client counts the bytes, and does not wait for the app's last message."""
    caplog.set_level(logging.INFO)

    async def talk(receive, send):
        await send({**START, "headers": [(b"content-length", b"5")]})
        await send(MORE)
        await hear_until_gone(receive)

    async with WireClient(App(talk)) as wire:
        await wire.send(GET)
        await getattr(wire, leave)()
        await wire.advance(3)
        await wire.finish()

    assert lines(caplog) == [["GET / HTTP/1.1", " 200 5"]]


async def test_an_app_that_does_not_finish_its_response_is_still_an_error(caplog):
    async def talk(receive, send):
        await send(START)
        await send(MORE)

    async with WireClient(App(talk), QUIET) as wire:
        await wire.send(GET)
        await wire.half_close()

        assert wire.aborted
    assert "did not complete its answer" in caplog.text


# -- a closed sending side -------------------------------------------------------------------------


async def test_a_client_that_closes_its_sending_side_gets_the_whole_stream():
    gates = [asyncio.Event(), asyncio.Event()]

    async def talk(receive, send):
        watching = asyncio.create_task(hear_until_gone(receive))
        await send(START)
        for gate in gates:
            await send(MORE)
            await gate.wait()
        assert not watching.done()
        await send(LAST)
        await watching

    app = App(talk)
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET)
        await wire.half_close()
        gates[0].set()
        await wire.advance(1)
        await wire.advance(30)  # It has received bytes and was not reset, so it is still connected.
        gates[1].set()
        output = await wire.receive_all()
        await wire.finish()

    assert output.endswith(b"\r\n\r\n5\r\nHello\r\n5\r\nHello\r\n0\r\n\r\n")
    assert app.error is None


async def test_all_pipelined_requests_are_answered_after_the_client_closes_its_sending_side():
    async with WireClient(App(hear_all), QUIET) as wire:
        await wire.send(GET + post(b"Hello", length(5)) + GET)
        await wire.half_close()

        assert (await wire.receive_all()).count(b"HTTP/1.1 200 ") == 3


# -- clients that disconnect, and apps that never wait ---------------------------------------------


async def test_an_app_that_never_waits_is_stopped_when_its_client_is_gone(served, caplog):
    caplog.set_level(logging.INFO)
    sent, client = 0, None

    async def flood(receive, send):
        nonlocal sent
        await send(START)
        for sent in range(100_000):
            if sent == 5:
                reset(client)
            await send(MORE)

    app = App(flood)
    server = await served(app, Config())
    client = socket.create_connection(server.place)
    client.sendall(GET)
    while app.error is None:
        await asyncio.sleep(0.01)

    assert isinstance(app.error, OSError)
    assert sent < 10
    (line,) = lines(caplog)
    assert line[1].startswith(" 200 ")


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
