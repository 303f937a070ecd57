"""Websocket: what a view can rely on, whatever the client and the server do."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from contextlib import asynccontextmanager

import pytest
from werkzeug.datastructures import Headers

from asyncflask import Flask, websocket, websocket_received, websocket_sent
from asyncflask.concurrency.stopping import Stopping
from asyncflask.exceptions import WebsocketDisconnect
from asyncflask.testing.asgi_connection import ASGIConnection
from asyncflask.wrappers.response.response import Response
from asyncflask.wrappers.websocket.disconnect_checks import FIRST_LOOK
from asyncflask.wrappers.websocket.read_ahead import MOST_DATA, MOST_MESSAGES
from asyncflask.wrappers.websocket.sync import SyncWebsocket
from asyncflask.wrappers.websocket.websocket import Websocket


class App:
    json = json

    def __init__(self, **config):
        self.config = config
        self.stopping = Stopping()


class Context:
    """The attributes of a context that a websocket reads."""

    made_connection = None
    url_rule = view_args = routing_exception = header_names = None

    def __init__(self, app, scope, receive, send):
        self.app, self.scope, self.receive, self.send = app, scope, receive, send

    async def handshake_headers(self):
        return []


def scope(**more):
    return {
        "type": "websocket",
        "path": "/chat",
        "headers": [(b"host", b"localhost"), (b"cookie", b"name=value")],
        "subprotocols": ["v1", "v2"],
        "extensions": {"websocket.http.response": {}},
        **more,
    }


@asynccontextmanager
async def connected(view, *, config=None, **scope_items):
    """Serve ``view`` as the dispatcher does, and connect to it."""

    async def app(scope, receive, send):
        websocket = Websocket(Context(App(**(config or {})), scope, receive, send))
        try:
            await view(websocket)
        except WebsocketDisconnect:
            pass
        finally:
            await websocket.end()

    async with ASGIConnection(app, scope(**scope_items)) as exchange:
        exchange.put({"type": "websocket.connect"})
        yield exchange


def text(data):
    return {"type": "websocket.receive", "text": data}


async def echo(websocket):
    while True:
        await websocket.send(await websocket.receive())


async def test_first_receive_accepts():
    async with connected(echo) as exchange:
        message = await exchange.take()

        assert message == {"type": "websocket.accept", "subprotocol": None, "headers": []}


async def test_first_send_accepts():
    async def greet(websocket):
        await websocket.send("hello")

    async with connected(greet) as exchange:
        messages = [(await exchange.take())["type"] for _ in range(2)]

        assert messages == ["websocket.accept", "websocket.send"]


async def test_two_tasks_accept_once():
    """The first sender and the first receiver may meet in the handshake."""

    async def both(websocket):
        await asyncio.gather(websocket.send("a"), websocket.send("b"), websocket.receive())

    async with connected(both) as exchange:
        types = [(await exchange.take())["type"] for _ in range(3)]

        assert types == ["websocket.accept", "websocket.send", "websocket.send"]


@pytest.mark.parametrize("data", ["text", "", b"bytes", b""])
async def test_a_message_comes_as_it_was_sent(data):
    """An empty binary message is ``b""`` (Quart 0.22 raised KeyError; Autobahn 1.2.1, 9.8.1)."""
    kind = "text" if isinstance(data, str) else "bytes"

    async with connected(echo) as exchange:
        await exchange.take()
        exchange.put({"type": "websocket.receive", kind: data})
        answer = await exchange.take()

        assert answer == {"type": "websocket.send", kind: data}


async def test_a_message_may_carry_the_other_kind_as_none():
    """Hypercorn sends both keys, one of them ``None``."""
    async with connected(echo) as exchange:
        await exchange.take()
        exchange.put({"type": "websocket.receive", "text": None, "bytes": b""})

        assert (await exchange.take())["bytes"] == b""


@pytest.mark.parametrize("data", [bytearray(b"x"), memoryview(b"x")])
async def test_bytes_like_data_is_sent_as_bytes(data):
    async with connected(lambda websocket: websocket.send(data)) as exchange:
        await exchange.take()

        assert (await exchange.take())["bytes"] == b"x"


async def test_sending_something_else_says_what_to_send():
    async def view(websocket):
        with pytest.raises(TypeError, match="Send str or bytes, or use send_json"):
            await websocket.send({"a": 1})

    async with connected(view) as exchange:
        assert (await exchange.take())["type"] == "websocket.accept"


async def test_json_goes_through_the_apps_provider():
    async def view(websocket):
        data = await websocket.receive_json()
        await websocket.send_json(data["a"])
        await websocket.send_json(1, 2)
        await websocket.send_json(b=3)

    async with connected(view) as exchange:
        await exchange.take()
        exchange.put(text('{"a": [true]}'))
        sent = [(await exchange.take())["text"] for _ in range(3)]

        assert sent == ["[true]", "[1, 2]", '{"b": 3}']


async def test_send_json_takes_a_value_or_members():
    async def view(websocket):
        with pytest.raises(TypeError, match="one value, or members by name"):
            await websocket.send_json(1, b=2)

    async with connected(view) as exchange:
        await exchange.take()


async def test_iteration_ends_quietly_with_the_websocket():
    seen = []

    async def view(websocket):
        async for message in websocket:
            seen.append(message)
        seen.append((websocket.closed, websocket.close_code, websocket.close_reason))

    async with connected(view) as exchange:
        await exchange.take()
        exchange.put(text("a"))
        exchange.disconnect(code=4001, reason="bye")

    assert seen == ["a", (True, 4001, "bye")]


async def test_iteration_gives_binary_and_empty_messages_too():
    async def view(websocket):
        async for message in websocket:
            await websocket.send(message)

    async with connected(view) as exchange:
        await exchange.take()
        for message in ({"bytes": b"\x00"}, {"text": None, "bytes": b""}, {"text": ""}):
            exchange.put({"type": "websocket.receive", **message})

        assert (await exchange.take())["bytes"] == b"\x00"
        assert (await exchange.take())["bytes"] == b""
        assert (await exchange.take())["text"] == ""


async def test_an_iterator_of_messages_is_an_iterable():
    _, websocket = silent_server([{"type": "websocket.connect"}, text("a"), text("b")])
    messages = aiter(websocket)

    assert await anext(aiter(messages)) == "a"
    assert await anext(websocket) == "b"


class _Shouting(Websocket):
    async def receive(self):
        return (await super().receive()).upper()


class _Counting(Websocket):
    async def __anext__(self):
        return f"1 {await super().__anext__()}"


@pytest.mark.parametrize(("cls", "expected"), [(_Shouting, "A"), (_Counting, "1 a")])
async def test_iteration_calls_the_receive_of_a_subclass(cls, expected):
    _, plain = silent_server([{"type": "websocket.connect"}, text("a")])
    websocket = cls(plain._ctx)

    assert [message async for message in _first(websocket)] == [expected]


async def test_iteration_calls_a_receive_that_was_replaced(monkeypatch):
    async def receive(*args):
        return "replaced"

    _, websocket = silent_server([])
    with monkeypatch.context() as patch:
        patch.setattr(Websocket, "receive", receive)
        assert [message async for message in _first(websocket)] == ["replaced"]
    websocket.receive = receive

    assert [message async for message in _first(websocket)] == ["replaced"]


async def _first(websocket):
    async for message in websocket:
        yield message
        return


async def test_the_values_of_the_handshake_can_be_read():
    async def view(websocket):
        seen = (websocket.path, websocket.cookies["name"], websocket.requested_subprotocols)
        await websocket.send_json(seen)

    async with connected(view) as exchange:
        await exchange.take()

        assert json.loads((await exchange.take())["text"]) == ["/chat", "value", ["v1", "v2"]]


# -- accept ----------------------------------------------------------------------------------------


async def test_accept_sends_headers_and_subprotocol():
    async def view(websocket):
        await websocket.accept({"X-Version": "2"}, "v2")

    async with connected(view) as exchange:
        message = await exchange.take()

        assert message["headers"] == [(b"x-version", b"2")]
        assert message["subprotocol"] == "v2"


async def test_accept_refuses_a_subprotocol_that_was_not_offered():
    async def view(websocket):
        with pytest.raises(ValueError, match=r"'v9'.*the client offers \['v1', 'v2'\]"):
            await websocket.accept(subprotocol="v9")

    async with connected(view) as exchange:
        assert (await exchange.take())["type"] == "websocket.close"


async def test_a_subprotocol_beyond_ascii_is_only_data():
    """CVE-2026-42544 (Granian): such an offer ended the worker."""

    async def view(websocket):
        await websocket.accept(subprotocol=websocket.requested_subprotocols[0])

    async with connected(view, subprotocols=["vé1"]) as exchange:
        assert (await exchange.take())["subprotocol"] == "vé1"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\x00b"])
async def test_controls_in_accept_headers_are_refused(value):
    """CVE-2023-49081 and similar ones: a line break begins a header that the attacker chooses."""

    async def view(websocket):
        with pytest.raises(ValueError, match="must not contain newline"):
            await websocket.accept({"X-Name": value})

    async with connected(view) as exchange:
        await exchange.take()


async def test_accept_takes_werkzeugs_headers():
    headers = Headers([("X-A", "1"), ("X-A", "2")])
    async with connected(lambda websocket: websocket.accept(headers)) as exchange:
        assert (await exchange.take())["headers"] == [(b"x-a", b"1"), (b"x-a", b"2")]


async def test_a_second_accept_does_nothing_unless_it_wants_something():
    async def view(websocket):
        await websocket.accept()
        await websocket.accept()
        with pytest.raises(RuntimeError, match="is accepted already"):
            await websocket.accept(subprotocol="v1")

    async with connected(view) as exchange:
        types = [(await exchange.take())["type"] for _ in range(2)]

        assert types == ["websocket.accept", "websocket.close"]


async def test_a_client_that_closes_during_the_handshake_is_a_disconnect():
    async def view(websocket):
        with pytest.raises(WebsocketDisconnect, match="1006"):
            await websocket.accept()

    async def app(scope, receive, send):
        await view(Websocket(Context(App(), scope, receive, send)))

    async with ASGIConnection(app, scope()) as exchange:
        exchange.disconnect(code=1006)


async def test_a_client_that_closes_before_the_response_is_a_disconnect():
    codes = []

    async def view(websocket):
        try:
            await websocket.accept()
        finally:
            codes.append(websocket.close_code)

    async with connected(view) as exchange:
        exchange.disconnect(code=1001)

    assert codes == [1006]


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["receive", "send", "accept", "receive_json"])
async def test_every_call_after_the_end_is_a_disconnect(method):
    """The second call raises the same as the first, and does not wait."""
    arguments = ["x"] if method == "send" else []
    codes = []

    async def view(websocket):
        for _ in range(3):
            with pytest.raises(WebsocketDisconnect) as caught:
                await websocket.receive()
            with pytest.raises(WebsocketDisconnect):
                await getattr(websocket, method)(*arguments)
            codes.append((caught.value.code, caught.value.reason))

    async with connected(view) as exchange:
        await exchange.take()
        exchange.disconnect(code=4000, reason="done")

    assert codes == [(4000, "done")] * 3


async def test_a_disconnect_without_a_code_is_1005():
    codes = []

    async def view(websocket):
        async for _ in websocket:
            pass
        codes.append((websocket.close_code, websocket.close_reason))

    async with connected(view) as exchange:
        await exchange.take()
        exchange.disconnect()

    assert codes == [(1005, "")]


async def test_an_error_of_the_servers_send_is_a_disconnect():
    """ASGI lets ``send`` raise OSError when the client is gone; uvicorn does."""
    codes = []

    async def view(websocket):
        await websocket.accept()
        await asyncio.sleep(0)
        with pytest.raises(WebsocketDisconnect) as caught:
            await websocket.send("x")
        codes.append(caught.value.code)

    async with connected(view) as exchange:
        await exchange.take()
        exchange.disconnect(code=1000)

    assert codes == [1006]


async def test_close_sends_code_and_reason_once():
    async def view(websocket):
        await websocket.accept()
        await websocket.close(4002, "enough")
        await websocket.close()
        with pytest.raises(WebsocketDisconnect, match="4002: enough"):
            await websocket.send("x")

    async with connected(view) as exchange:
        await exchange.take()

        assert await exchange.take() == {
            "type": "websocket.close",
            "code": 4002,
            "reason": "enough",
        }
        assert await exchange.take() is None


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000"])
async def test_close_refuses_codes_that_may_not_be_sent(code):
    websocket = Websocket(Context(App(), scope(), None, None))

    with pytest.raises(ValueError, match="may not send this code"):
        await websocket.close(code)


async def test_close_refuses_a_reason_that_does_not_fit():
    websocket = Websocket(Context(App(), scope(), None, None))

    with pytest.raises(ValueError, match="has 124 bytes"):
        await websocket.close(1000, "é" * 62)


async def test_closing_after_the_disconnect_is_no_error():
    passed = []

    async def view(websocket):
        await websocket.accept()
        await asyncio.sleep(0)
        await websocket.close()
        passed.append(websocket.closed)

    async with connected(view) as exchange:
        await exchange.take()
        exchange.disconnect()

    assert passed == [True]


async def test_end_closes_what_the_view_left_open():
    async with connected(lambda websocket: websocket.accept()) as exchange:
        await exchange.take()

        assert (await exchange.take())["code"] == 1000


async def test_end_refuses_what_was_never_accepted():
    async def view(websocket):
        pass

    async with connected(view) as exchange:
        assert (await exchange.take())["type"] == "websocket.close"


# -- rejection -------------------------------------------------------------------------------------


async def test_a_rejection_is_an_http_response():
    async def view(websocket):
        await websocket.reject(Response("no", 401, {"X-Why": "login"}))

    async with connected(view) as exchange:
        start, body = await exchange.take(), await exchange.take()

        assert start["type"] == "websocket.http.response.start"
        assert start["status"] == 401
        assert (b"x-why", b"login") in start["headers"]
        assert body["body"] == b"no"


async def test_a_server_without_denial_responses_gets_a_close():
    async def view(websocket):
        await websocket.reject(Response("no", 401))

    async with connected(view, extensions={}) as exchange:
        assert (await exchange.take())["type"] == "websocket.close"


async def test_a_streamed_rejection_is_sent_completely_and_closed():
    closed = []

    async def body():
        try:
            yield "n"
            yield "o"
        finally:
            closed.append(True)

    async with connected(lambda websocket: websocket.reject(Response(body()))) as exchange:
        await exchange.take()
        chunks = [(await exchange.take())["body"] for _ in range(3)]

        assert chunks == [b"n", b"o", b""]
    assert closed == [True]


async def test_a_client_that_has_left_is_not_rejected():
    """The response is closed all the same."""
    closed = []

    async def app(scope, receive, send):
        response = Response("no", 401)
        response.call_on_close(lambda: closed.append(True))
        await Websocket(Context(App(), scope, receive, send)).reject(response)

    async with ASGIConnection(app, scope()) as exchange:
        exchange.disconnect()

    assert closed == [True]


async def test_an_accepted_websocket_cannot_be_rejected():
    async def view(websocket):
        await websocket.accept()
        with pytest.raises(RuntimeError, match="is accepted already"):
            await websocket.reject(Response("no"))

    async with connected(view) as exchange:
        await exchange.take()


async def test_end_with_a_response_rejects_what_was_not_accepted():
    async with connected(lambda websocket: websocket.end(Response("no", 404))) as exchange:
        assert (await exchange.take())["status"] == 404


@pytest.mark.parametrize(("status", "code"), [(200, 1000), (404, 1000), (500, 1011)])
async def test_end_with_a_response_closes_what_was_accepted(status, code):
    async def view(websocket):
        await websocket.accept()
        await websocket.end(Response("", status))

    async with connected(view) as exchange:
        await exchange.take()

        assert (await exchange.take())["code"] == code


# -- idle and vanished clients ---------------------------------------------------------------------


async def test_an_idle_websocket_is_closed_with_1001():
    codes = []

    async def view(websocket):
        async for _ in websocket:
            pass
        codes.append((websocket.close_code, websocket.close_reason))

    async with connected(view, config={"WEBSOCKET_IDLE_TIMEOUT": 0.01}) as exchange:
        await exchange.take()
        message = await exchange.take()

        assert (message["code"], message["reason"]) == (1001, "Idle timeout")
    assert codes == [(1001, "Idle timeout")]


async def test_messages_in_time_keep_a_websocket_open():
    async with connected(echo, config={"WEBSOCKET_IDLE_TIMEOUT": 60}) as exchange:
        await exchange.take()
        answers = []
        for data in "abc":
            exchange.put(text(data))
            answers.append((await exchange.take())["text"])

        assert answers == ["a", "b", "c"]


async def test_messages_that_are_there_already_are_received():
    async with connected(echo, config={"WEBSOCKET_IDLE_TIMEOUT": 60}) as exchange:
        for data in "ab":
            exchange.put(text(data))
        await exchange.take()
        answers = [(await exchange.take())["text"] for _ in range(2)]

        assert answers == ["a", "b"]


async def test_a_timeout_of_the_server_is_not_taken_for_ours():
    messages = [{"type": "websocket.connect"}]

    async def receive():
        await asyncio.sleep(0)
        if not messages:
            raise TimeoutError("server")
        return messages.pop()

    async def send(message):
        pass

    websocket = Websocket(Context(App(WEBSOCKET_IDLE_TIMEOUT=60), scope(), receive, send))

    with pytest.raises(TimeoutError, match="server"):
        await websocket.receive()


async def test_a_cancelled_receive_with_a_timeout_stays_cancelled():
    """Only the timeout's own cancellation is turned into a disconnect."""

    async def view(websocket):
        receiving = asyncio.ensure_future(websocket.receive())
        await asyncio.sleep(0.01)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        await websocket.send("open")

    async with connected(view, config={"WEBSOCKET_IDLE_TIMEOUT": 60}) as exchange:
        await exchange.take()

        assert (await exchange.take())["text"] == "open"


def silent_server(messages):
    """A server like hypercorn: it ignores what is sent to a client that has gone."""
    queue = asyncio.Queue()
    for message in messages:
        queue.put_nowait(message)

    async def send(message):
        pass

    return queue, Websocket(Context(App(), scope(), queue.get, send))


async def test_a_view_that_only_sends_learns_that_the_client_has_gone():
    _, websocket = silent_server(
        [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    )

    with pytest.raises(WebsocketDisconnect, match="1001"):
        for _ in range(FIRST_LOOK * 2):
            await websocket.send("tick")
    await websocket.end()


async def test_a_view_that_only_sends_lets_others_run():
    _, websocket = silent_server([{"type": "websocket.connect"}])
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")

    assert turns == [1]
    await websocket.end()


async def test_a_view_that_sends_during_a_receive_lets_others_run():
    """Nothing is received ahead then, because a receive is pending already."""
    queue, websocket = silent_server([{"type": "websocket.connect"}])
    receiving = asyncio.ensure_future(websocket.receive())
    await asyncio.sleep(0)
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")
    queue.put_nowait(text("a"))

    assert turns == [1]
    assert await receiving == "a"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_messages_received_ahead_stay_in_order():
    queue, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(FIRST_LOOK * 2):
        await websocket.send("tick")
    for data in "abc":
        queue.put_nowait(text(data))
    received = [await websocket.receive() for _ in range(3)]

    assert received == ["a", "b", "c"]
    await websocket.end()


async def test_a_cancelled_receive_loses_no_message_received_ahead():
    queue, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")
    receiving = asyncio.ensure_future(websocket.receive())
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.wait({receiving})
    queue.put_nowait(text("kept"))

    assert await websocket.receive() == "kept"


async def test_two_receivers_never_get_the_same_message():
    queue, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")
    receivers = [asyncio.ensure_future(websocket.receive()) for _ in range(3)]
    await asyncio.sleep(0)
    for data in "abc":
        queue.put_nowait(text(data))

    assert sorted(await asyncio.gather(*receivers)) == ["a", "b", "c"]


async def test_a_task_that_receives_ends_with_the_view():
    _, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")
    receiving = asyncio.ensure_future(websocket.receive())
    await asyncio.sleep(0)
    await websocket.end()

    with pytest.raises(WebsocketDisconnect, match="1000"):
        await receiving


@pytest.mark.parametrize(
    ("data", "left"), [("a", 200 - MOST_MESSAGES), ("a" * MOST_DATA, 199), ("a" * 20_000, 196)]
)
async def test_receiving_ahead_is_limited(data, left):
    """What the view does not read stays with the server."""
    queue, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(200):
        queue.put_nowait(text(data))
    for _ in range(1000):
        await websocket.send("tick")

    assert queue.qsize() == left
    assert [await websocket.receive() for _ in range(200)] == [data] * 200
    await websocket.end()


async def test_end_leaves_no_task_behind():
    _, websocket = silent_server([{"type": "websocket.connect"}])
    for _ in range(FIRST_LOOK):
        await websocket.send("tick")
    await websocket.end()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_websockets_of_disconnected_clients_are_released():
    """Aiohttp issue 6325: the objects of many vanished clients stayed in memory."""
    alive = weakref.WeakSet()

    async def view(websocket):
        alive.add(websocket)
        await echo(websocket)

    for _ in range(20):
        async with connected(view) as exchange:
            await exchange.take()
            exchange.disconnect(code=1006)
    gc.collect()

    assert len(alive) == 0


# -- def views -------------------------------------------------------------------------------------


class Lease:
    def __init__(self):
        self.loop = asyncio.get_running_loop()


@asynccontextmanager
async def connected_sync(view):
    """Serve a ``def`` view in a worker thread."""

    async def app(scope, receive, send):
        ctx = Context(App(), scope, receive, send)
        ctx.own_connection, ctx.lease = Websocket(ctx), Lease()
        websocket = SyncWebsocket(ctx)
        await asyncio.to_thread(view, websocket)
        await ctx.own_connection.end()

    async with ASGIConnection(app, scope()) as exchange:
        exchange.put({"type": "websocket.connect"})
        yield exchange


async def test_a_def_view_talks_without_await():
    def view(websocket):
        websocket.accept(subprotocol="v1")
        websocket.send(f"{websocket.path} {websocket.receive()}")
        websocket.send_json(websocket.receive_json())
        websocket.close(4000, "done")

    async with connected_sync(view) as exchange:
        exchange.put(text("hello"))
        exchange.put(text("[1]"))
        messages = [await exchange.take() for _ in range(4)]

        assert [message.get("text") for message in messages] == [None, "/chat hello", "[1]", None]
        assert messages[-1]["code"] == 4000


async def test_a_def_view_iterates_until_the_client_goes():
    seen = []

    def view(websocket):
        seen.extend(websocket)
        seen.append(websocket.close_code)

    async with connected_sync(view) as exchange:
        await exchange.take()
        exchange.put(text("a"))
        exchange.disconnect(code=1001)

    assert seen == ["a", 1001]


async def test_a_sync_websocket_shows_what_it_is():
    ctx = Context(App(), scope(scheme="ws"), None, None)
    ctx.own_connection, ctx.lease = Websocket(ctx), Lease()

    assert repr(SyncWebsocket(ctx)) == "<SyncWebsocket 'ws://localhost/chat' [GET]>"


async def test_a_sync_websocket_on_the_loop_raises_instead_of_hanging():
    ctx = Context(App(), scope(), None, None)
    ctx.own_connection, ctx.lease = Websocket(ctx), Lease()

    with pytest.raises(RuntimeError, match="on the event loop"):
        SyncWebsocket(ctx).receive()


async def test_each_message_is_signalled_with_the_message_as_sender():
    app = Flask(__name__)
    heard: list[tuple[str, object]] = []

    @app.websocket("/ws")
    async def view():
        await websocket.send(await websocket.receive())

    async def received(sender):
        heard.append(("received", sender))

    def sent(sender):
        heard.append(("sent", sender))

    with websocket_received.connected_to(received), websocket_sent.connected_to(sent):
        async with app.test_client().websocket("/ws") as ws:
            await ws.send("ping")
            await ws.receive()

    assert heard == [("received", "ping"), ("sent", "ping")]


async def test_a_message_that_is_iterated_is_signalled_too():
    app = Flask(__name__)
    heard = []

    @app.websocket("/ws")
    async def view():
        async for message in websocket:
            await websocket.send(message)

    with websocket_received.connected_to(heard.append):
        async with app.test_client().websocket("/ws") as ws:
            await ws.send("ping")
            await ws.receive()

    assert heard == ["ping"]
