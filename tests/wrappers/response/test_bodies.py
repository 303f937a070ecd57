"""Promises of ``asyncflask.wrappers.response.bodies``: files, and leaving the loop."""

from __future__ import annotations

import asyncio
import io
import threading

import pytest
from werkzeug.test import EnvironBuilder

from asyncflask.wrappers.response.asgi import send_response
from asyncflask.wrappers.response.bodies import CHUNK, FileBody, in_thread
from asyncflask.wrappers.response.response import Response


class Wire:
    """The server's end: keeps what is sent, and may go away after some messages."""

    def __init__(self, gone_after=None):
        self.messages = []
        self.gone_after = gone_after

    async def send(self, message):
        if len(self.messages) == self.gone_after:
            raise OSError("client disconnected")
        self.messages.append(message)

    @property
    def body(self):
        return b"".join(m["body"] for m in self.messages[1:])


async def sent(response, method="GET", **kwargs):
    wire = Wire()
    await send_response(response, method, wire.send, **kwargs)
    return wire


async def never():
    await asyncio.Event().wait()


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * (CHUNK // 100))
    return path


async def test_small_file_is_one_message_with_its_length(tmp_path):
    (tmp_path / "f").write_bytes(b"file")
    wire = await sent(Response(FileBody(tmp_path / "f", 4)))

    assert dict(wire.messages[0]["headers"])[b"content-length"] == b"4"
    assert wire.messages[1:] == [{"type": "http.response.body", "body": b"file"}]


async def test_large_file_is_sent_in_chunks_and_closed(big):
    body = FileBody(big, big.stat().st_size)
    wire = await sent(Response(body), watch=never)

    assert wire.body == big.read_bytes()
    assert max(len(m["body"]) for m in wire.messages[1:]) == CHUNK
    assert body.file.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_range_of_a_file_is_cut_at_both_ends(big):
    body = FileBody(big, big.stat().st_size)
    body.limit(10, CHUNK + 7)

    assert (await sent(Response(body))).body == big.read_bytes()[10 : CHUNK + 17]


async def test_an_open_file_is_sent_from_its_position_and_closed():
    file = io.BytesIO(b"0123456789")
    file.seek(2)
    body = FileBody(file, 8)
    body.limit(3, 4)

    assert (await sent(Response(body))).body == b"5678"
    assert file.closed


async def test_binary_file_as_a_body_is_read_in_chunks(big):
    file = big.open("rb")

    wire = await sent(Response(file))

    assert wire.body == big.read_bytes()
    assert len(wire.messages) == 5
    assert file.closed


async def test_text_file_as_a_body_is_sent_line_by_line(tmp_path):
    (tmp_path / "f").write_text("a\nb\n")

    assert (await sent(Response((tmp_path / "f").open()))).body == b"a\nb\n"


async def test_file_that_cannot_be_opened_is_an_error_before_the_start(tmp_path):
    wire = Wire()
    with pytest.raises(FileNotFoundError, match="missing"):
        await send_response(Response(FileBody(tmp_path / "missing", 5)), "GET", wire.send)

    assert wire.messages == []


async def test_a_file_that_became_shorter_cuts_the_response_off(tmp_path):
    (tmp_path / "f").write_bytes(b"file")
    with pytest.raises(RuntimeError, match="ended 6 bytes before"):
        await sent(Response(FileBody(tmp_path / "f", 10)))


async def test_file_that_grew_meanwhile_is_sent_with_the_length_announced(tmp_path):
    (tmp_path / "f").write_bytes(b"file")

    assert (await sent(Response(FileBody(tmp_path / "f", 3)))).body == b"fil"


async def test_head_does_not_open_a_file(tmp_path):
    wire = await sent(Response(FileBody(tmp_path / "missing", 5)), "HEAD")

    assert dict(wire.messages[0]["headers"])[b"content-length"] == b"5"
    assert wire.body == b""


async def test_server_that_offers_it_is_given_the_path(big):
    wire = await sent(Response(FileBody(big, 5)), extensions={"http.response.pathsend": {}})

    assert wire.messages[1] == {"type": "http.response.pathsend", "path": str(big)}
    assert len(wire.messages) == 2


async def test_ranges_are_never_left_to_the_server(big):
    body = FileBody(big, big.stat().st_size)
    body.limit(1, 2)

    wire = await sent(Response(body), extensions={"http.response.pathsend": {}})

    assert wire.body == b"\x01\x02"


async def test_oserror_of_send_ends_a_file_quietly(big):
    body = FileBody(big, big.stat().st_size)
    await send_response(Response(body), "GET", Wire(2).send)
    offered = {"http.response.pathsend": {}}
    await send_response(Response(FileBody(big, 5)), "GET", Wire(1).send, extensions=offered)
    small = FileBody(big, 5)
    await send_response(Response(small), "GET", Wire(1).send)

    assert body.file.closed
    assert small.file.closed


def test_file_body_is_an_iterable_for_wsgi_servers(big):
    response = Response(FileBody(big), direct_passthrough=True)
    chunks, _, _ = response.get_wsgi_response(EnvironBuilder().get_environ())

    assert b"".join(chunks) == big.read_bytes()
    response.close()
    assert response.response.file.closed


async def test_in_thread_waits_for_the_thread_before_it_lets_a_cancellation_through():
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        may_end.wait(5)
        ended.append(True)

    task = asyncio.create_task(in_thread(work))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, may_end.set)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == [True]
