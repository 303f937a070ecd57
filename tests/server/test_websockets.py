"""A websocket's stream: what app and client hear of each other, and when it ends."""

from __future__ import annotations

import asyncio
import logging

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config
from asyncflask.testing.wire import WireClient
from tests.protocol.frames import answered_code, close, control_frames, frame, ping, pong, text

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
QUIET = Config(access_log=False)


class App:
    """An ASGI app that does what ``talk(receive, send)`` says, and keeps what it heard."""

    def __init__(self, talk):
        self.talk = talk
        self.scope = None
        self.heard = []
        self.error = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.scope = scope

        async def hear():
            self.heard.append(await receive())
            return self.heard[-1]

        try:
            await self.talk(hear, send)
        except Exception as error:
            self.error = error
            raise

    @property
    def end(self):
        """The last message: code and reason of the disconnect."""
        return self.heard[-1]["type"], self.heard[-1]["code"], self.heard[-1]["reason"]


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


async def listen_only(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        pass


async def never_receive(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await asyncio.Event().wait()


async def opened(wire, connection=None):
    connection = connection or wire
    await connection.send(UPGRADE)
    head = await connection.receive_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return connection


# -- messages --------------------------------------------------------------------------------------


async def test_text_and_bytes_are_told_apart_both_ways():
    app = App(echo)
    async with WireClient(app, QUIET) as wire:
        await opened(wire)
        await wire.send(text("a") + frame(2, b"\xff") + frame(2, b""))

        assert await wire.receive() == b"\x81\x01a\x82\x01\xff\x82\x00"
        await wire.send(close(1000))
    assert app.end == ("websocket.disconnect", 1000, "")


async def test_what_came_before_the_close_is_still_delivered():
    app = App(listen_only)
    async with WireClient(app, QUIET) as wire:
        await opened(wire)
        await wire.send(text("a") + text("b") + close(4321, b"done"))
        await wire.finish()

    assert [message.get("text") for message in app.heard[1:3]] == ["a", "b"]
    assert app.end == ("websocket.disconnect", 4321, "done")


async def test_an_app_that_does_not_receive_pauses_its_client():
    config = Config(access_log=False, body_queue=1000)
    async with WireClient(App(never_receive), config) as wire:
        await opened(wire)
        await wire.send(text("x" * 100) * 40, split=106)

        assert wire.unread > 0
        await wire.disconnect()


async def test_a_client_that_was_paused_is_read_on_when_the_app_receives():
    gate = asyncio.Event()

    async def late(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        while (await receive())["type"] == "websocket.receive":
            pass

    app = App(late)
    async with WireClient(app, Config(access_log=False, body_queue=1000)) as wire:
        await opened(wire)
        await wire.send(text("x" * 100) * 40, split=106)
        gate.set()
        await wire.send(close(1000))
        await wire.finish()

    assert len(app.heard) == 1 + 40 + 1


async def test_a_close_frame_behind_a_mistake_is_not_read():
    app = App(listen_only)
    async with WireClient(app, QUIET) as wire:
        await opened(wire)
        await wire.send(frame(3) + close(4000))

        assert answered_code(await wire.receive_all()) == 1002
    assert app.end[1] == 1002


async def test_a_message_over_the_limit_is_1009():
    app = App(listen_only)
    async with WireClient(app, Config(access_log=False, limits=Limits(message_bytes=100))) as wire:
        await opened(wire)
        await wire.send(text("x" * 101))

        assert answered_code(await wire.receive_all()) == 1009
    assert app.end[1] == 1009


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

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 503 ")
    assert "neither accepted nor refused the websocket in time" in caplog.text
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_an_app_that_fails_before_the_accept_is_a_500(caplog):
    async def fail(receive, send):
        raise LookupError("lost")

    async with WireClient(App(fail), QUIET) as wire:
        await wire.send(UPGRADE)

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
    assert "LookupError: lost" in caplog.text


async def test_a_client_half_closed_before_the_accept_is_gone():
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


async def test_what_comes_behind_the_handshake_is_the_first_message():
    app = App(echo)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE + text("early"))

        assert (await wire.receive()).endswith(b"\x81\x05early")


# -- the end ---------------------------------------------------------------------------------------


async def test_the_app_closes_with_code_and_reason():
    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        await receive()

    app = App(leave)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        output = (await wire.receive()).partition(b"\r\n\r\n")[2]

        assert control_frames(output) == [(8, b"\x0f\xa1enough")]
        await wire.send(text("too late") + close(4001))
        assert wire.closed
    assert app.end == ("websocket.disconnect", 4001, "enough")


@pytest.mark.parametrize(("error", "code"), [(LookupError("lost"), 1011), (None, 1000)])
async def test_an_app_that_ends_without_a_close_is_closed_for(caplog, error, code):
    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        if error is not None:
            raise error

    async with WireClient(App(leave), QUIET) as wire:
        await wire.send(UPGRADE)

        assert answered_code((await wire.receive()).partition(b"\r\n\r\n")[2]) == code
    assert ("LookupError: lost" in caplog.text) is (error is not None)


async def test_a_message_after_the_close_is_the_apps_mistake():
    async def babble(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        await send({"type": "websocket.send", "text": "x"})

    app = App(babble)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        await wire.finish()

    assert "'websocket.send' was sent to the websocket connection in state COMPLETE" in str(
        app.error
    )


async def test_a_message_to_a_client_that_left_is_an_os_error():
    gate = asyncio.Event()

    async def late(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        await send({"type": "websocket.send", "text": "x"})

    app = App(late)
    async with WireClient(app, QUIET) as wire:
        await opened(wire)
        await wire.disconnect()
        gate.set()
        await wire.finish()

    with pytest.raises(OSError, match="sent after the client had left"):
        raise app.error


async def test_a_client_that_does_not_answer_the_close_is_cut_off():
    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})

    async with WireClient(App(leave), Config(access_log=False, close_timeout=5)) as wire:
        await wire.send(UPGRADE)
        await wire.advance(4)
        assert not wire.closed
        await wire.advance(2)

        assert wire.closed


async def test_a_client_that_reads_slowly_hears_the_end():
    """Closing does not cut off what was sent before, as long as somebody reads it."""
    big = b"x" * 500_000

    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": big})

    config = Config(access_log=False, close_timeout=5, write_timeout=20, ping_interval=0)
    async with WireClient(App(leave), config) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        for _ in range(10):
            await wire.advance(4)
            await wire.release(len(big) // 20)
        assert not wire.closed
        await wire.release()
        output = (await wire.receive()).partition(b"\r\n\r\n")[2]

    assert len(output) == 10 + len(big) + 4, "the message's frame, and the close frame"
    assert answered_code(output[-4:]) == 1000


async def test_a_client_that_reads_no_more_does_not_keep_a_closed_websocket():
    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * 500_000})

    config = Config(access_log=False, close_timeout=5, write_timeout=20)
    async with WireClient(App(leave), config) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        await wire.advance(10)
        assert not wire.closed
        await wire.advance(20)

        assert wire.closed
        assert wire.connections == 0


@pytest.mark.parametrize("when", ["open", "before the accept"])
async def test_a_server_that_stops_says_1012(when):
    gate = asyncio.Event()

    async def late(receive, send):
        await receive()
        if when != "open":
            await gate.wait()
        await send({"type": "websocket.accept"})
        await receive()

    app = App(late)
    async with WireClient(app, QUIET) as wire:
        await wire.send(UPGRADE)
        await wire.stop()
        gate.set()
        output = (await wire.receive_until(b"restarted.")).partition(b"\r\n\r\n")[2]

        assert answered_code(output) == 1012
        await wire.send(close(1012))
        assert wire.closed
    assert app.end[:2] == ("websocket.disconnect", 1012)


# -- pings -----------------------------------------------------------------------------------------


async def test_a_client_that_answers_pings_is_kept():
    async with WireClient(App(listen_only), Config(access_log=False, ping_interval=10)) as wire:
        await opened(wire)
        for _ in range(5):
            await wire.advance(11)
            assert await wire.receive() == b"\x89\x00"
            await wire.send(pong())

        assert not wire.closed


async def test_a_client_that_does_not_answer_a_ping_is_left():
    app = App(listen_only)
    async with WireClient(app, Config(access_log=False, ping_interval=10)) as wire:
        await opened(wire)
        await wire.advance(11)
        await wire.advance(11)

        assert wire.closed
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_without_an_interval_nobody_is_asked():
    async with WireClient(App(listen_only), Config(access_log=False, ping_interval=0)) as wire:
        await opened(wire)
        await wire.advance(10_000)

        assert not wire.closed
        await wire.send(ping(b"still there"))
        assert control_frames(await wire.receive()) == [(10, b"still there")]


async def test_pongs_for_a_client_that_does_not_read_are_bounded():
    """RFC 6455 §5.5.3: of many pings the last one may be answered alone."""

    async def fill(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * 200_000})
        await listen_only_once_accepted(receive)

    async def listen_only_once_accepted(receive):
        while (await receive())["type"] == "websocket.receive":
            pass

    async with WireClient(App(fill), QUIET) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        for number in range(20):
            await wire.send(
                b"".join(ping(b"%120d" % n) for n in range(1000 * number, 1000 * number + 1000))
            )

        assert wire.unsent < 250_000
        await wire.release()
        output = await wire.receive_until(b"%120d" % 19_999)
        assert len(output) < 350_000


# -- the log ---------------------------------------------------------------------------------------


async def test_a_websocket_is_logged_at_its_end(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(echo)) as wire:
        await opened(wire)
        assert "GET /chat" not in caplog.text
        await wire.send(close(1000))

        assert '"GET /chat HTTP/1.1" 101' in caplog.text
