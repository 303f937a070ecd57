"""Websocket views whose client disconnects while they wait for something else."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading

import pytest

from asyncflask import Flask, websocket
from asyncflask.exceptions import WebsocketDisconnect
from asyncflask.testing.asgi_connection import ASGIConnection
from asyncflask.wrappers.websocket import cancellation
from asyncflask.wrappers.websocket import connection as wrapper
from asyncflask.wrappers.websocket.read_ahead import MOST_MESSAGES


@pytest.fixture
def app():
    app = Flask("app")
    app.ends = []
    app.teardown_websocket(lambda error: app.ends.append(("teardown", error)))

    @app.after_websocket
    async def after(response):
        app.ends.append(("after", response))
        await asyncio.sleep(0)  # No cancellation is left over.
        return response

    return app


@pytest.fixture(autouse=True)
def _short_times(monkeypatch):
    monkeypatch.setattr(cancellation, "PATIENCE", 0.1)
    monkeypatch.setattr(wrapper, "FIRST_CHECK", 0.03)


#: what a view leaves that ends as if its client had been noticed
QUIET_END = ["finally", ("after", None), ("teardown", None)]


class Silent(ASGIConnection):
    """A server like hypercorn: it ignores what is sent to a client that has gone."""

    async def _send(self, message):
        if not self.gone:
            await super()._send(message)


def scope():
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"a")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "extensions": {},
    }


async def leave(app, *messages, wait=3.0):
    """Connect, send messages and disconnect; return whether the view has ended in time."""
    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        for message in messages:
            exchange.put({"type": "websocket.receive", "text": message})
        await asyncio.sleep(0.01)
        exchange.disconnect(code=1001)
        await exchange.finish(wait)
        return exchange.ended


async def receive_all():
    while True:
        await websocket.receive()


async def send_all():
    while True:
        await websocket.send(await asyncio.Queue().get())


async def listener_beside():
    task = asyncio.ensure_future(receive_all())
    try:
        await send_all()
    finally:
        task.cancel()


async def gathered():
    await asyncio.gather(receive_all(), send_all())


async def grouped():
    async with asyncio.TaskGroup() as group:
        group.create_task(receive_all())
        group.create_task(send_all())


async def slowly_grouped():
    async def cleaned_up():
        try:
            await send_all()
        finally:
            await asyncio.sleep(2 * cancellation.PATIENCE)

    async with asyncio.TaskGroup() as group:
        group.create_task(receive_all())
        group.create_task(cleaned_up())


async def subscribed():
    async def subscribe():
        while True:
            yield await asyncio.Queue().get()

    async for message in subscribe():
        await websocket.send(message)


async def event_alone():
    await asyncio.Event().wait()


async def gathered_from_tasks():
    sending = asyncio.create_task(send_all())
    receiving = asyncio.create_task(receive_all())
    await asyncio.gather(sending, receiving)


async def with_a_time_limit():
    async with asyncio.timeout(60):
        await asyncio.Event().wait()


PATTERNS = [
    *(listener_beside, gathered, gathered_from_tasks, grouped, slowly_grouped, subscribed),
    *(event_alone, with_a_time_limit, send_all),
]


def add_view(app, wait):
    @app.websocket("/")
    async def view():
        await websocket.accept()
        try:
            await wait()
        finally:
            app.ends.append("finally")


@pytest.mark.parametrize(("messages", "idle_timeout"), [([], None), (["one", "two"], 60)])
@pytest.mark.parametrize("wait", PATTERNS)
async def test_a_view_that_waits_ends_with_its_client(app, wait, messages, idle_timeout, caplog):
    app.config["WEBSOCKET_IDLE_TIMEOUT"] = idle_timeout
    add_view(app, wait)

    assert await leave(app, *messages)
    assert app.ends == QUIET_END
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert caplog.records == []


@pytest.mark.parametrize("wait", [*PATTERNS, receive_all])
async def test_a_view_ends_with_1012_when_the_server_stops(app, wait, caplog):
    """Also if the client does not answer the close."""
    add_view(app, wait)

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        app.stopping.set()
        message = await exchange.take()
        while message["type"] == "websocket.send":
            message = await exchange.take()
        await exchange.finish(3.0)

        assert exchange.ended
    reason = "The server is restarted."
    assert message == {"type": "websocket.close", "code": 1012, "reason": reason}
    assert app.ends == QUIET_END
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert caplog.records == []


async def test_a_websocket_that_is_accepted_while_the_server_stops_is_closed(app):
    add_view(app, event_alone)
    app.stopping.set()

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})

        assert (await exchange.take())["type"] == "websocket.accept"
        assert (await exchange.take())["code"] == 1012
        await exchange.finish(3.0)
        assert exchange.ended


async def test_a_view_that_gets_1012_while_it_receives_is_not_cancelled(app):
    @app.websocket("/")
    async def view():
        try:
            await websocket.receive()
        except WebsocketDisconnect as error:
            await asyncio.sleep(0.15)  # longer than the patience
            app.ends.append(error.code)

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        app.stopping.set()
        await exchange.take()
        exchange.disconnect(code=1012)
        await exchange.finish(3.0)

    assert app.ends[0] == 1012


@pytest.mark.parametrize("wait", PATTERNS)
async def test_the_test_client_waits_for_such_a_view(app, wait):
    add_view(app, wait)

    async with app.test_client().websocket("/") as connection:
        await connection.send("hello")

    assert app.ends == QUIET_END


async def test_a_hook_that_waits_after_the_handshake_is_cancelled_too(app):
    add_view(app, event_alone)

    @app.before_websocket
    async def wait():
        await websocket.accept()
        await event_alone()

    assert await leave(app)
    assert app.ends == QUIET_END[1:]


@pytest.mark.parametrize("how", ["clean_up", "iterate", "read_late"])
async def test_a_view_that_gets_the_disconnect_is_not_cancelled(app, how):
    """What it does afterwards is not cut off: its own task or one it waits for got the error."""

    async def clean_up():
        with pytest.raises(WebsocketDisconnect, match="1001"):
            await receive_all()
        await asyncio.sleep(2 * cancellation.PATIENCE)
        app.ends.append("cleaned up")

    async def iterate():
        async for _ in websocket:
            pass
        await asyncio.sleep(2 * cancellation.PATIENCE)
        app.ends.append("cleaned up")

    async def read_late():
        await asyncio.sleep(2 * wrapper.FIRST_CHECK)
        await iterate()

    waits = {"clean_up": clean_up, "iterate": iterate, "read_late": read_late}
    add_view(app, waits[how])

    assert await leave(app)
    assert app.ends == ["cleaned up", *QUIET_END]


@pytest.mark.parametrize("period", [0.02, 2.2 * cancellation.PATIENCE])
async def test_a_view_that_polls_ends_with_its_client(app, period, caplog):
    """It awaits something else each time, and never calls the websocket."""

    async def poll():
        await asyncio.sleep(0.7 * cancellation.PATIENCE)
        while True:
            await asyncio.sleep(period)

    add_view(app, poll)

    assert await leave(app)
    assert app.ends == QUIET_END
    assert caplog.records == []


async def test_a_view_whose_own_task_got_the_disconnect_may_clean_up(app):
    async def receive_late():
        async with asyncio.timeout(5):
            await asyncio.sleep(2 * wrapper.FIRST_CHECK)
            await receive_all()

    async def view():
        with contextlib.suppress(WebsocketDisconnect):
            await asyncio.create_task(receive_late())
        for _ in range(2 * cancellation.LOOKS):
            await asyncio.sleep(0.6 * cancellation.PATIENCE)
        app.ends.append("cleaned up")

    add_view(app, view)

    assert await leave(app)
    assert app.ends == ["cleaned up", *QUIET_END]


async def test_a_view_that_has_closed_may_go_on(app):
    @app.websocket("/")
    async def view():
        await websocket.accept()
        await websocket.close(4000)
        await asyncio.sleep(2 * cancellation.PATIENCE)
        app.ends.append("finally")

    assert await leave(app)
    assert app.ends == QUIET_END


async def test_what_was_sent_before_the_client_left_is_still_received(app):
    """Messages are read ahead while the view sleeps; the disconnect comes after them."""
    got = []

    async def read_late():
        await asyncio.sleep(1.5 * wrapper.FIRST_CHECK)
        async for message in websocket:
            got.append(message)
        with pytest.raises(WebsocketDisconnect, match="1001"):
            await websocket.receive()

    add_view(app, read_late)

    assert await leave(app, "one", "two")
    assert got == ["one", "two"]
    assert app.ends == QUIET_END


async def test_an_app_may_switch_the_cancellation_off(app, monkeypatch, caplog):
    monkeypatch.setattr(cancellation, "OVERDUE", 2 * cancellation.PATIENCE)
    app.config["WEBSOCKET_CANCEL_ON_DISCONNECT"] = False

    async def take_time():
        await asyncio.sleep(4 * cancellation.PATIENCE)
        app.ends.append("went on")

    add_view(app, take_time)

    assert await leave(app)
    assert app.ends == ["went on", *QUIET_END]
    assert caplog.records == []


async def test_a_cancellation_is_not_left_to_the_hooks(app):
    add_view(app, listener_beside)

    @app.after_websocket
    async def after(response):
        app.ends.append(asyncio.current_task().cancelling())
        return response

    assert await leave(app)
    assert app.ends == ["finally", 0, *QUIET_END[1:]]


async def test_a_view_that_receives_gets_the_error_of_a_send_of_another_task(app):
    """It is not cancelled: the code after its loop is run."""

    async def view():
        async def fail_to_send():
            await asyncio.sleep(0.05)
            with pytest.raises(WebsocketDisconnect, match="1006"):
                await websocket.send("x")

        sending = asyncio.ensure_future(fail_to_send())
        async for _ in websocket:
            pass
        await sending
        app.ends.append("behind the loop")

    class Broken(ASGIConnection):
        async def _send(self, message):
            if message["type"] == "websocket.send":
                asyncio.get_running_loop().call_soon(self.disconnect)
                raise OSError("reset")
            await super()._send(message)

    add_view(app, view)
    async with Broken(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        await exchange.finish(10)

    assert app.ends == ["behind the loop", *QUIET_END]


async def test_a_cancellation_by_the_server_is_not_taken_back(app):
    add_view(app, event_alone)

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        exchange.disconnect()
        await asyncio.sleep(0.01)
        await exchange.close(0)

        assert exchange.overdue
        assert exchange._task.cancelled()
    assert app.ends[-1][0] == "teardown"


async def test_a_view_that_swallows_its_cancellation_is_logged(app, monkeypatch, caplog):
    monkeypatch.setattr(cancellation, "OVERDUE", 2 * cancellation.PATIENCE)

    async def swallow():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(2 * cancellation.PATIENCE)

    add_view(app, swallow)

    assert await leave(app)
    assert app.ends == ["finally", ("after", None), ("teardown", None)]
    assert "The client of the websocket view 'view' of / left" in caplog.text
    assert "an `async def` view must not catch its cancellation and go on" in caplog.text


async def test_a_def_view_gets_an_error_at_its_next_call(app):
    go_on = threading.Event()

    @app.websocket("/")
    def view():
        websocket.accept()
        go_on.wait(5)
        try:
            websocket.send("too late")
        finally:
            app.ends.append("finally")

    asyncio.get_running_loop().call_later(3 * wrapper.FIRST_CHECK, go_on.set)

    assert await leave(app)
    assert [end for end in app.ends if end[0] != "after"] == ["finally", ("teardown", None)]


async def test_a_def_view_that_waits_in_its_thread_is_named(app, monkeypatch, caplog):
    monkeypatch.setattr(cancellation, "OVERDUE", 0.1)
    messages = queue.Queue()

    @app.websocket("/")
    def view():
        websocket.accept()
        websocket.send(messages.get(timeout=5))

    assert not await leave(app, wait=1.0) or caplog.text
    messages.put("at last")
    assert "The client of the websocket view 'view' of / left" in caplog.text
    assert "a `def` view has to wait with a time limit" in caplog.text


async def test_a_view_that_never_reads_is_named_when_nothing_more_is_kept(app, monkeypatch, caplog):
    add_view(app, event_alone)

    assert not await leave(app, *["x"] * MOST_MESSAGES, wait=0.5)
    assert "The websocket view 'view' of / does not read what its client sends (64" in caplog.text


# -- before accept() -------------------------------------------------------------------------------


async def leave_early(app, wait=3.0, stay=0.01):
    """Connect to an app that does not accept, and leave; tell whether it has ended in time."""
    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await asyncio.sleep(stay)
        exchange.disconnect(code=1006)
        await exchange.finish(wait)
        return exchange.ended


def add_unaccepted(app, wait):
    @app.websocket("/")
    async def view():
        try:
            await wait()
            await websocket.accept()
        finally:
            app.ends.append("finally")


async def polled():
    while True:
        await asyncio.sleep(0.02)


async def gathered_alone():
    await asyncio.gather(event_alone(), event_alone())


@pytest.mark.parametrize("stay", [0.01, 0.1], ids=["at once", "when it is read ahead"])
@pytest.mark.parametrize("wait", [event_alone, with_a_time_limit, gathered_alone, polled])
async def test_a_view_that_waits_before_it_accepts_ends_with_its_client(app, wait, stay, caplog):
    add_unaccepted(app, wait)

    assert await leave_early(app, stay=stay)
    assert app.ends == QUIET_END
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert caplog.records == []


async def test_a_hook_that_waits_before_the_handshake_is_cancelled(app):
    add_view(app, event_alone)
    app.before_websocket(event_alone)

    assert await leave_early(app)
    assert app.ends == QUIET_END[1:]


async def test_a_client_that_disconnects_instead_of_connecting_is_noticed(app):
    add_unaccepted(app, event_alone)

    async with Silent(app, scope()) as exchange:
        exchange.disconnect(code=1006)
        await exchange.finish(3.0)
        assert exchange.ended
    assert app.ends == QUIET_END


@pytest.mark.parametrize("call", ["accept", "receive", "send"])
async def test_a_view_gets_the_disconnect_at_its_first_call(app, call):
    async def late():
        await asyncio.sleep(2 * wrapper.FIRST_CHECK)
        calls = {"accept": websocket.accept, "receive": websocket.receive}
        with pytest.raises(WebsocketDisconnect, match="1006"):
            await (calls[call]() if call in calls else websocket.send("x"))
        await asyncio.sleep(2 * cancellation.PATIENCE)
        app.ends.append("cleaned up")

    add_unaccepted(app, late)

    assert await leave_early(app)
    assert app.ends == ["cleaned up", *QUIET_END]


@pytest.mark.parametrize("accepts_after", [0, 2])
async def test_a_late_handshake_loses_no_message(app, accepts_after):
    got = []

    @app.websocket("/")
    async def view():
        await asyncio.sleep(accepts_after * wrapper.FIRST_CHECK)
        await websocket.accept()
        got.extend([await websocket.receive() for _ in range(3)])
        await asyncio.sleep(2 * wrapper.FIRST_CHECK)
        async for message in websocket:
            got.append(message)
        app.ends.append("finally")

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        assert (await exchange.take())["type"] == "websocket.accept"
        for message in ("one", "two", "three", "four"):
            exchange.put({"type": "websocket.receive", "text": message})
        await asyncio.sleep(3 * wrapper.FIRST_CHECK)
        exchange.disconnect(code=1001)
        await exchange.finish(1)

    assert got == ["one", "two", "three", "four"]
    assert app.ends == QUIET_END


async def test_no_message_is_received_before_the_handshake(app):
    """A server that delivers what the client sent with its handshake gets its answer first."""

    @app.websocket("/")
    async def view():
        await asyncio.sleep(2 * wrapper.FIRST_CHECK)
        await websocket.send(await websocket.receive())

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        exchange.put({"type": "websocket.receive", "text": "early"})
        assert (await exchange.take())["type"] == "websocket.accept"
        assert (await exchange.take())["text"] == "early"
        exchange.disconnect()


@pytest.mark.parametrize("how", ["close", "respond"])
async def test_a_late_refusal_reaches_the_client(app, how):
    @app.websocket("/")
    async def view():
        await asyncio.sleep(2 * wrapper.FIRST_CHECK)
        return await websocket.close(4001) if how == "close" else ("no", 401)

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        message = await exchange.take()
        assert message["type"] == "websocket.close"
        assert message["code"] == (4001 if how == "close" else 1008)


async def test_an_app_may_switch_the_cancellation_off_before_accept(app, caplog):
    app.config["WEBSOCKET_CANCEL_ON_DISCONNECT"] = False

    async def take_time():
        await asyncio.sleep(4 * cancellation.PATIENCE)
        app.ends.append("went on")

    add_unaccepted(app, take_time)

    assert await leave_early(app)
    assert app.ends == ["went on", *QUIET_END]
    assert caplog.records == []


async def test_a_def_view_that_waits_before_it_accepts_is_named(app, monkeypatch, caplog):
    monkeypatch.setattr(cancellation, "OVERDUE", 0.1)
    messages = queue.Queue()

    @app.websocket("/")
    def view():
        websocket.send(messages.get(timeout=5))

    asyncio.get_running_loop().call_later(0.5, messages.put, "at last")

    assert await leave_early(app)
    assert "The client of the websocket view 'view' of / left" in caplog.text


async def test_a_def_hook_that_waits_before_an_async_view(app):
    add_view(app, event_alone)
    left = threading.Event()

    @app.before_websocket
    def hook():
        left.wait(4 * cancellation.PATIENCE)

    assert await leave_early(app)
    assert app.ends == QUIET_END[1:]


async def test_an_accepted_websocket_uses_the_timer_of_its_handshake(app, monkeypatch):
    """It has no further timer, and none is left over."""
    loop = asyncio.get_running_loop()
    call_later, timers = loop.call_later, []

    def recorded(delay, *args):
        timer = call_later(delay, *args)
        if delay == wrapper.FIRST_CHECK:
            timers.append(timer)
        return timer

    @app.websocket("/")
    async def view():
        await websocket.accept()
        await websocket.send("same")

    monkeypatch.setattr(loop, "call_later", recorded)
    monkeypatch.setattr(wrapper, "FIRST_CHECK", 30.0)  # It has not run out when the view accepts.

    async with app.test_client().websocket("/") as connection:
        assert await connection.receive() == "same"
    assert [timer.cancelled() for timer in timers] == [True]


@pytest.mark.parametrize("noticed", ["by_a_read_ahead", "by_the_receive"])
async def test_a_gathered_task_that_gets_the_disconnect_leaves_none_of_the_others(app, noticed):
    async def receive_slowly():
        while True:
            await websocket.receive()
            await asyncio.sleep(3 * wrapper.FIRST_CHECK if noticed == "by_a_read_ahead" else 0)

    async def both():
        await asyncio.gather(receive_slowly(), send_all())

    add_view(app, both)

    assert await leave(app, "hello")
    assert app.ends == QUIET_END
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("stops", [True, False])
async def test_a_view_that_waits_for_the_task_that_receives_gets_its_error(app, stops):
    async def view():
        try:
            await asyncio.create_task(receive_all())
        except WebsocketDisconnect:
            await asyncio.sleep(2 * cancellation.PATIENCE)
            app.ends.append("cleaned up")

    add_view(app, view)

    async with Silent(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        await exchange.take()
        if stops:
            app.stopping.set()
        else:
            await asyncio.sleep(0)
            exchange.disconnect(code=1001)
        await exchange.finish(3.0)

    assert app.ends == ["cleaned up", *QUIET_END]
