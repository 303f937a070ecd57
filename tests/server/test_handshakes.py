"""The opening handshake of a websocket: accepted, refused, denied, or not answered at all."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from asyncflask.server import Config
from asyncflask.testing.wire import WireClient
from tests.protocol.frames import answered_code, close, text

from .apps import GET, LAST, MORE, QUIET, START, UPGRADE, App

DENY = {"type": "websocket.http.response.start", "status": 401}
DENY_MORE = {"type": "websocket.http.response.body", "body": b"Who ", "more_body": True}
DENY_LAST = {"type": "websocket.http.response.body", "body": b"are you?"}
ACCEPT = {"type": "websocket.accept"}


def sending(*messages):
    """Make an app that sends these messages and ends."""

    async def send_all(receive, send):
        await receive()
        for message in messages:
            await send(message)

    return App(send_all)


async def echo(receive, send):
    await receive()
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


# -- the handshake ---------------------------------------------------------------------------------


async def test_a_close_before_the_accept_is_a_403():
    async def refuse(receive, send):
        await receive()
        await send({"type": "websocket.close"})

    async with WireClient(App(refuse), QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 403 ")


async def test_a_denial_is_an_ordinary_response():
    async def refuse(receive, send):
        await receive()
        start = {"type": "websocket.http.response.start", "status": 401}
        await send({**start, "headers": [(b"www-authenticate", b"Basic")]})
        await send({"type": "websocket.http.response.body", "body": b"Who ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"are you?"})

    app = App(refuse)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        answer = await wire.receive_all()

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nwww-authenticate: Basic\r\n" in answer
    assert b"Who " in answer
    assert b"are you?" in answer
    assert app.error is None


async def test_an_app_that_does_not_answer_the_handshake_is_a_503(caplog):
    async def wait(receive, send):
        await receive()
        await receive()

    app = App(wait)
    async with WireClient(app, Config(access_log=False, handshake_timeout=5)) as wire:
        await wire.send(UPGRADE)
        await wire.advance(6)

        answer = await wire.receive_all()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: " in answer
    assert "neither accepted nor refused the websocket in time" in caplog.text
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_an_app_that_fails_before_the_accept_is_a_500(caplog):
    async def fail(receive, send):
        raise LookupError("lost")

    async with WireClient(App(fail), QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
    assert "LookupError: lost" in caplog.text


async def test_a_client_that_closes_its_sending_side_before_the_accept_is_disconnected():
    gate = asyncio.Event()

    async def late(receive, send):
        await receive()
        await gate.wait()
        await receive()
        await send({"type": "websocket.accept"})

    app = App(late)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        await wire.half_close()
        gate.set()
        await wire.finish()

        assert wire.closed
    assert app.end == ("websocket.disconnect", 1006, "")
    assert isinstance(app.error, OSError), "ASGI: send() raises OSError once the client has left"


async def test_bytes_after_the_handshake_are_the_first_message():
    app = App(echo)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE + text("early"))

        assert (await wire.receive()).endswith(b"\x81\x05early")


async def test_a_handshake_of_another_version_is_answered_with_the_supported_one():
    """:rfc:`6455` §4.4, :rfc:`9110` §15.5.22."""
    app = App(echo)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE.replace(b"Version: 13", b"Version: 8"))
        output = await wire.receive_all()

    assert output.startswith(b"HTTP/1.1 426 ")
    assert b"\r\nupgrade: websocket\r\n" in output
    assert b"\r\nsec-websocket-version: 13\r\n" in output
    assert app.scope is None, "No app is asked."


async def test_a_handshake_may_follow_other_requests(caplog):
    async def either(receive, send):
        if app.scope["type"] == "websocket":
            await echo(receive, send)
        else:
            await send(START)
            await send(LAST)

    app = App(either)
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET + UPGRADE + text("early"))
        output = await wire.receive()

        assert output.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 101 " in output
        assert output.endswith(b"\x81\x05early")


async def test_a_client_that_closes_its_sending_side_after_the_handshake_is_disconnected():
    gate = asyncio.Event()

    async def either(receive, send):
        if app.scope["type"] == "websocket":
            await receive()
            await receive()
        else:
            await gate.wait()
            await send(START)
            await send(LAST)

    app = App(either)
    async with WireClient(app, QUIET) as wire:
        await wire.send(GET + UPGRADE)
        await wire.half_close()
        gate.set()
        await wire.receive_all()
        await wire.finish()

    assert app.scope["type"] == "websocket"
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_a_request_after_a_denied_handshake_is_not_answered():
    async with WireClient(sending(DENY, DENY_LAST), QUIET) as wire:
        await wire.send(UPGRADE + GET)
        output = await wire.receive_all()

    assert output.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in output


async def test_the_bytes_before_the_accept_are_limited():
    gate = asyncio.Event()

    async def late(receive, send):
        await gate.wait()
        await echo(receive, send)

    config = Config(access_log=False, body_queue=1000)
    async with WireClient(App(late), config) as wire:
        await wire.send(UPGRADE)
        await wire.send(text("x" * 100) * 40, split=106)
        assert wire.unread > 0
        gate.set()
        output = await wire.receive_until(b"\r\n\r\n")
        echoed = await wire.receive()

        assert output.startswith(b"HTTP/1.1 101 ")
        assert echoed == (b"\x81\x64" + b"x" * 100) * 40
        assert wire.unread == 0


# -- apps that misbehave ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([], "ended before it had answered the handshake"),
        ([{"type": "websocket.send", "text": "a"}], "'websocket.send' .* in state CONNECTING"),
        ([START], "'http.response.start' was sent to the websocket connection"),
        ([DENY_LAST], "'websocket.http.response.body' .* in state CONNECTING"),
        ([DENY], "ended before it had answered the handshake"),
        ([DENY, ACCEPT], "'websocket.accept' .* in state DENYING"),
        ([{**DENY, "status": "401"}], "status='401'; it must be an int"),
        ([{**ACCEPT, "subprotocol": "chat"}], "chat"),
        ([{**ACCEPT, "headers": [(b"sec-websocket-accept", b"x")]}], "sec-websocket-accept"),
    ],
)
async def test_an_illegal_message_in_the_handshake_is_a_500(caplog, messages, named):
    async with WireClient(sending(*messages), QUIET) as wire:
        await wire.send(UPGRADE)
        output = await wire.receive_all()

    assert output.startswith(b"HTTP/1.1 500 ")
    assert "The app at GET '/chat'" in caplog.text
    assert re.search(named, caplog.text)


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([DENY, DENY_MORE], "ended before it had answered the handshake"),
        ([DENY, DENY_MORE, DENY], "'websocket.http.response.start' .* in state DENYING"),
        ([{**DENY, "headers": [(b"content-length", b"9")]}, DENY_MORE], "ended before it had"),
    ],
)
async def test_an_illegal_message_within_a_denial_cuts_it_off(caplog, messages, named):
    async with WireClient(sending(*messages), QUIET) as wire:
        await wire.send(UPGRADE)
        output = await wire.receive_all()

        assert wire.aborted
    assert output.count(b"HTTP/1.1 ") == 1
    assert re.search(named, caplog.text)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (ACCEPT, "'websocket.accept' was sent to the websocket connection in state OPEN"),
        (DENY, "'websocket.http.response.start' .* in state OPEN"),
        (MORE, "'http.response.body' was sent to the websocket connection in state OPEN"),
        ({"type": "websocket.send"}, "it must be a str where there are no bytes"),
        ({"type": "websocket.close", "code": 1006}, "code=1006, which a close frame must not"),
    ],
)
async def test_an_illegal_message_to_an_open_websocket_closes_it_with_1011(caplog, message, named):
    async with WireClient(sending(ACCEPT, message), QUIET) as wire:
        await wire.send(UPGRADE)
        output = (await wire.receive()).partition(b"\r\n\r\n")[2]

        assert answered_code(output) == 1011
        await wire.send(close(1011))
        assert wire.closed
    assert "The app at GET '/chat' failed." in caplog.text
    assert re.search(named, caplog.text)


async def test_a_message_after_a_denial_does_not_change_it(caplog):
    async with WireClient(sending(DENY, DENY_LAST, DENY_LAST), QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).endswith(b"are you?")
        assert not wire.aborted
    assert "in state COMPLETE" in caplog.text


async def test_a_denial_that_does_not_end_in_time_is_cut_off(caplog):
    async def deny(receive, send):
        await receive()
        await send(DENY)
        await send(DENY_MORE)
        await receive()

    app = App(deny)
    async with WireClient(app, Config(access_log=False, handshake_timeout=5)) as wire:
        await wire.send(UPGRADE)
        await wire.advance(6)
        await wire.finish()

        assert wire.aborted
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_a_server_that_stops_finishes_a_denial():
    gate = asyncio.Event()

    async def deny(receive, send):
        await receive()
        await send(DENY)
        await send(DENY_MORE)
        await gate.wait()
        await send(DENY_LAST)

    async with WireClient(App(deny), QUIET) as wire:
        await wire.send(UPGRADE)
        await wire.stop()
        gate.set()

        assert (await wire.receive_all()).endswith(b"are you?\r\n0\r\n\r\n")


async def test_a_close_right_after_the_handshake_needs_no_1012():
    gate = asyncio.Event()

    async def late(receive, send):
        await gate.wait()
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass

    app = App(late)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE + close(4000, b"bye"))
        await wire.stop()
        gate.set()
        output = (await wire.receive_all()).partition(b"\r\n\r\n")[2]
        await wire.finish()

    assert answered_code(output) == 4000
    assert app.end == ("websocket.disconnect", 4000, "bye")


# -- the log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "logged"),
    [([DENY, DENY_MORE, DENY_LAST], "401 12"), ([{"type": "websocket.close"}], "403 -")],
)
async def test_a_denial_is_logged_as_a_response(caplog, messages, logged):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(sending(*messages)) as wire:
        await wire.send(UPGRADE)
        await wire.receive_all()

    assert f'"GET /chat HTTP/1.1" {logged}' in caplog.text
