"""The client gives each call a connection of its own, and behaves as a client does."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.client import PIECE, Client, Lifespan, WrongAnswer
from benchmarks.workloads import MESSAGE, WORKLOADS, Workload


async def session_app(scope, receive, send):
    """Count visits in a cookie."""
    cookies = [value for name, value in scope["headers"] if name == b"cookie"]
    visits = 1 + (int(cookies[0].removeprefix(b"n=")) if cookies else 0)
    headers = [(b"set-cookie", b"n=%d; Path=/" % visits)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"visit %d" % visits})


async def test_calls_share_nothing():
    client = Client(None, WORKLOADS["plaintext"])
    first, second = client.call()[0], client.call()[0]

    first["headers"].append((b"x", b"y"))
    first["state"]["a"] = 1

    assert (b"x", b"y") not in second["headers"]
    assert second["state"] == {}


async def test_the_body_is_sent_once_and_then_the_client_is_silent():
    _, receive, _ = Client(None, WORKLOADS["json_post"]).call()

    message = await receive()

    assert message["body"] == WORKLOADS["json_post"].body
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receive(), 0.01)


async def test_a_large_body_comes_in_pieces_as_sockets_are_read():
    workload = WORKLOADS["multipart"]
    _, receive, _ = Client(None, workload).call()

    messages = [await receive()]
    while messages[-1]["more_body"]:
        messages.append(await receive())

    assert b"".join(message["body"] for message in messages) == workload.body
    assert {len(message["body"]) for message in messages[:-1]} == {PIECE}
    assert len(messages) == -(-len(workload.body) // PIECE)


async def test_a_client_that_leaves_does_so_when_the_answer_has_ended():
    _, receive, send = Client(None, WORKLOADS["stream"], leaves=True).call()
    assert (await receive())["type"] == "http.request"

    waiting = asyncio.ensure_future(receive())
    for message in (
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"x", "more_body": True},
    ):
        await send(message)
        await asyncio.sleep(0)
    stayed = not waiting.done()
    await send({"type": "http.response.body", "body": b"", "more_body": False})

    assert stayed
    assert await waiting == {"type": "http.disconnect"}


async def test_an_app_is_started_and_ended_by_its_lifespan():
    events = []

    async def app(scope, receive, send):
        events.append(scope["type"])
        for event in ("startup", "shutdown"):
            events.append((await receive())["type"])
            await send({"type": f"lifespan.{event}.complete"})

    lifespan = Lifespan(app)
    await lifespan.start()
    started = list(events)
    await lifespan.end()

    assert started == ["lifespan", "lifespan.startup"]
    assert events[-1] == "lifespan.shutdown"


async def test_an_app_that_cannot_start_is_refused():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(WrongAnswer, match=r"answered startup with .*no database"):
        await Lifespan(app).start()


async def test_a_returning_client_sends_the_cookie_of_the_first_answer():
    client = Client(session_app, WORKLOADS["session"])

    await client.check()

    assert client.cookie == b"n=1"
    assert (await client.ask()).body == b"visit 2"


async def test_a_session_without_a_cookie_is_refused():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"visit 2"})

    with pytest.raises(WrongAnswer, match="sets no cookie"):
        await Client(app, WORKLOADS["session"]).check()


async def test_a_websocket_message_is_sent_when_the_last_one_came_back():
    """An app that reads ahead in a task, as Quart does, gets no second message before the echo."""
    workload = Workload("x", "x", "/", status=101, messages=2, answer=MESSAGE.encode() * 2)
    _, receive, send = Client(None, workload).call()
    await receive()
    await send({"type": "websocket.accept"})
    await receive()

    ahead = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    waited = not ahead.done()
    await send({"type": "websocket.send", "text": MESSAGE})

    assert waited
    assert (await ahead)["text"] == MESSAGE


async def test_a_wsgi_app_is_asked_with_an_environ():
    seen = {}

    def app(environ, start_response):
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("200 OK", [("X-A", "b")])
        return [b"Hello, ", b"World!"]

    answer = await Client(app, WORKLOADS["form"], wsgi=True).ask()

    assert (answer.status, answer.headers, answer.body) == (
        200,
        ((b"X-A", b"b"),),
        b"Hello, World!",
    )
    assert seen["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert int(seen["CONTENT_LENGTH"]) == len(seen["body"])
    assert seen["HTTP_HOST"] == "127.0.0.1:8000"
