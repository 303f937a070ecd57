"""A websocket: the messages between app and client, and when it ends."""

from __future__ import annotations

import asyncio
import logging

import pytest

from asyncflask.protocol.limits import Limits
from asyncflask.server import Config
from asyncflask.testing.wire import WireClient
from tests.protocol.frames import answered_code, close, control_frames, frame, ping, pong, text

from .apps import QUIET, UPGRADE, App


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


async def test_text_stays_text_and_bytes_stay_bytes_both_ways():
    app = App(echo)
    async with WireClient(app, QUIET) as wire:
        await opened(wire)
        await wire.send(text("a") + frame(2, b"\xff") + frame(2, b""))

        assert await wire.receive() == b"\x81\x01a\x82\x01\xff\x82\x00"
        await wire.send(close(1000))
    assert app.end == ("websocket.disconnect", 1000, "")


async def test_messages_before_the_close_are_still_delivered():
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


async def test_reading_resumes_when_the_app_receives():
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


async def test_a_close_frame_after_a_malformed_frame_is_not_read():
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
async def test_a_websocket_is_closed_when_the_app_ends_without_a_close(caplog, error, code):
    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        if error is not None:
            raise error

    async with WireClient(App(leave), QUIET) as wire:
        await wire.send(UPGRADE)

        assert answered_code((await wire.receive()).partition(b"\r\n\r\n")[2]) == code
    assert ("LookupError: lost" in caplog.text) is (error is not None)


async def test_a_message_after_the_close_is_an_error_of_the_app():
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


async def test_a_message_to_a_client_that_disconnected_is_an_os_error():
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


async def test_a_client_that_reads_slowly_gets_the_last_messages():
    """Closing does not cut off what was sent before, as long as the client reads."""
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


async def test_a_client_that_stops_reading_does_not_keep_a_closed_websocket_open():
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


@pytest.mark.parametrize("size", [500_000, 60_000], ids=["over the mark", "below the mark"])
async def test_a_closed_websocket_waits_as_long_as_its_client_reads(size):
    """A message right before the close arrives, however slow the client is."""

    async def say_and_close(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        saying = asyncio.create_task(send({"type": "websocket.send", "bytes": b"x" * size}))
        await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": 4000})
        await saying

    app = App(say_and_close)
    config = Config(access_log=False, close_timeout=5, write_timeout=20)
    async with WireClient(app, config) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        for _ in range(12):
            await wire.advance(4)
            await wire.release(size // 15)
            assert not wire.closed
        await wire.release()
        await wire.advance(4)
        assert (await wire.receive()).endswith(b"\x88\x02" + (4000).to_bytes(2, "big"))
        assert not wire.closed, "From here on the client has the time to answer the close."
        await wire.send(close(4000))

        assert wire.closed
        assert not wire.aborted
    assert app.error is None


async def test_a_closed_websocket_is_cut_off_when_its_client_stops_reading():
    async def say_and_close(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * 60_000})
        await send({"type": "websocket.close"})

    config = Config(access_log=False, close_timeout=5, write_timeout=20)
    async with WireClient(App(say_and_close), config) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        await wire.advance(15)
        await wire.release(1000)
        await wire.advance(15)
        assert not wire.closed
        await wire.advance(10)

        assert wire.aborted


async def test_the_answer_to_a_close_is_read_though_the_client_was_paused():
    gate = asyncio.Event()

    async def leave(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        await send({"type": "websocket.close"})

    async with WireClient(App(leave), Config(access_log=False, body_queue=1000)) as wire:
        await opened(wire)
        await wire.send(text("x" * 100) * 40 + ping(b"there?") + close(1000), split=1000)
        assert wire.unread > 0
        gate.set()
        output = await wire.receive_all()

        assert control_frames(output) == [(8, b"\x03\xe8"), (10, b"there?")]
        assert not wire.aborted


@pytest.mark.parametrize("when", ["open", "before the accept"])
async def test_a_server_that_stops_closes_with_1012(when):
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


class Slow:
    """An app that receives one message, and the others when the test says so."""

    def __init__(self):
        self.app = App(self.talk)
        self.turn = asyncio.Event()

    async def talk(self, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await self.turn.wait()


MANY = {
    "messages": text("x" * 100) * 40,
    "large ones": text("x" * 5000) * 4,
    "fragments": (frame(1, b"x" * 600, fin=False) + frame(0, b"x" * 600)) * 4,
}


@pytest.mark.parametrize("sent", MANY.values(), ids=MANY)
async def test_a_client_whose_messages_are_queued_is_pinged_but_not_closed(sent):
    """Its pongs are queued behind them, so the client is not silent."""
    slow = Slow()
    config = Config(access_log=False, ping_interval=10, body_queue=1000)
    async with WireClient(slow.app, config) as wire:
        await opened(wire)
        await wire.send(sent, split=500)
        assert wire.unread
        for _ in range(10):
            await wire.advance(10.5)
            assert not wire.aborted
        assert (await wire.receive()).count(ping(masked=False)) == 10
        slow.turn.set()
        await wire.advance(9)
        assert not wire.unread
        assert not wire.aborted, "From here on its time counts again."
        await wire.advance(22)
        await wire.advance(22)

        assert wire.aborted


async def test_a_client_that_does_not_answer_a_ping_is_closed():
    app = App(listen_only)
    async with WireClient(app, Config(access_log=False, ping_interval=10)) as wire:
        await opened(wire)
        await wire.advance(11)
        await wire.advance(11)

        assert wire.closed
    assert app.end == ("websocket.disconnect", 1006, "")


async def test_without_an_interval_no_ping_is_sent():
    async with WireClient(App(listen_only), Config(access_log=False, ping_interval=0)) as wire:
        await opened(wire)
        await wire.advance(10_000)

        assert not wire.closed
        await wire.send(ping(b"still there"))
        assert control_frames(await wire.receive()) == [(10, b"still there")]


async def test_pongs_for_a_client_that_does_not_read_are_limited():
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


async def test_a_pong_waits_until_the_client_reads():
    """No pongs pile up behind what is unread, and the newest one is not lost."""
    gate = asyncio.Event()

    async def fill(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        await send({"type": "websocket.send", "bytes": b"x" * 70_000})
        await asyncio.Event().wait()

    async with WireClient(App(fill), QUIET) as wire:
        await opened(wire)
        wire.hold()
        gate.set()
        await wire.send(pong())
        unsent = wire.unsent
        for number in range(100):
            await wire.send(ping(b"%d" % number))
        assert wire.unsent == unsent
        await wire.release(10_000)
        assert wire.unsent == unsent - 10_000, "It is still over its mark."
        await wire.release()
        output = await wire.receive()

        assert output.endswith(b"\x8a\x0299")
        await wire.send(ping(b"again"))
        assert control_frames(await wire.receive()) == [(10, b"again")]


async def test_the_answer_to_a_close_does_not_wait():
    async def fill(receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"x" * 70_000})

    app = App(fill)
    async with WireClient(app, QUIET) as wire:
        wire.hold()
        await wire.send(UPGRADE)
        await wire.send(ping(b"there?") + close(4000))
        await wire.release()
        output = (await wire.receive_all())[-12:]

    assert control_frames(output) == [(10, b"there?"), (8, (4000).to_bytes(2, "big"))]


# -- the log ---------------------------------------------------------------------------------------


async def test_a_websocket_is_logged_at_its_end(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(echo)) as wire:
        await opened(wire)
        assert "GET /chat" not in caplog.text
        await wire.send(close(1000))

        assert '"GET /chat HTTP/1.1" 101' in caplog.text


@pytest.mark.parametrize("end", ["disconnect", "half_close"])
async def test_a_websocket_whose_client_disconnects_is_logged(caplog, end):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(echo)) as wire:
        await opened(wire)
        await getattr(wire, end)()
        await wire.finish()

    assert caplog.text.count('"GET /chat HTTP/1.1" 101') == 1


async def test_a_websocket_that_is_cut_off_is_logged(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")
    async with WireClient(App(listen_only), Config(ping_interval=10)) as wire:
        await opened(wire)
        await wire.advance(22)

        assert wire.aborted
    assert caplog.text.count('"GET /chat HTTP/1.1" 101') == 1


async def test_a_handshake_that_nobody_answered_is_not_logged_as_a_websocket(caplog):
    caplog.set_level(logging.INFO, "asyncflask.access")

    async def wait(receive, send):
        await receive()
        await receive()

    async with WireClient(App(wait)) as wire:
        await wire.send(UPGRADE)
        await wire.disconnect()
        await wire.finish()

    assert [record.getMessage().split('"')[1:] for record in caplog.records] == [
        ["GET /chat HTTP/1.1", " 499 -"]
    ]
