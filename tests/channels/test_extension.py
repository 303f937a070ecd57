"""Channels in an app: views of both kinds, websockets, event streams, commands, the facade."""

from __future__ import annotations

import asyncio
import json

import pytest

from asyncflask import Flask, websocket
from asyncflask.channels import Channels, Position
from asyncflask.flask import Flask as FacadeFlask


@pytest.fixture
def app():
    """An app with its channels in memory."""
    return Flask("app")


@pytest.fixture
def channels(app):
    """The app's channels."""
    return Channels(app)


async def read_event(stream):
    """Return the lines of the next event, which the app sends in one piece."""
    async with asyncio.timeout(10):
        return (await stream.receive()).decode().removesuffix("\n\n").split("\n")


async def test_async_and_def_views_publish(app, channels):
    @app.post("/async")
    async def publish():
        return await channels.publish("news", "async")

    @app.post("/def")
    def publish_from_thread():
        return channels.publish("news", "def")

    async with app.test_app() as test_app:
        client = test_app.test_client()
        async with app.app_context(), channels.subscribe("news") as messages:
            for kind in ("async", "def"):
                response = await client.post(f"/{kind}")
                async with asyncio.timeout(10):
                    message = await anext(messages)
                assert (message.text, message.id) == (kind, response.text)


@pytest.mark.parametrize("kind", [Flask, FacadeFlask])
def test_code_without_a_loop_publishes_in_an_app_context(kind):
    app = kind("app")
    channels = Channels(app)
    with app.app_context():
        first = Position.parse(channels.publish("news", "1"))
        second = Position.parse(channels.publish("news", "2"))
        assert channels.members("room") == []
    assert second.epoch == first.epoch
    assert second.offset > first.offset


def test_views_of_the_facade_publish():
    app = FacadeFlask("app")
    channels = Channels(app)

    @app.post("/async")
    async def publish():
        return await channels.publish("news", "async")

    @app.post("/def")
    def publish_from_thread():
        return channels.publish("news", "def")

    client = app.test_client()
    ids = [Position.parse(client.post(f"/{kind}").text) for kind in ("async", "def")]
    assert ids[0].offset < ids[1].offset


async def test_relay_connects_websockets_with_a_room(app, channels):
    @app.websocket("/rooms/<name>")
    async def room(name):
        await channels.relay(f"room:{name}")

    async with app.test_app() as test_app:
        client = test_app.test_client()
        async with client.websocket("/rooms/tea") as ann, client.websocket("/rooms/tea") as bob:
            await asyncio.sleep(0.05)
            await ann.send("hello")
            assert await ann.receive() == "hello"
            assert await bob.receive() == "hello"
        async with client.websocket("/rooms/tea") as ann:
            await asyncio.sleep(0.05)
            await ann.send(b"\xff")
            assert await ann.receive() == b"\xff"


async def test_relay_closes_a_client_that_is_too_slow_with_1013(app, channels):
    app.config["CHANNELS_MAILBOX"] = 3

    @app.websocket("/room")
    async def room():
        await channels.relay("room")

    async with app.test_app() as test_app:
        async with test_app.test_client().websocket("/room") as client, app.app_context():
            await asyncio.sleep(0.05)
            # At once, without a pause in which the relay could send.
            await asyncio.gather(*(channels.publish("room", str(number)) for number in range(5)))
            received = []
            with pytest.raises(Exception, match="1013"):
                while True:
                    received.append(await client.receive())
            assert received == ["0", "1", "2"]


async def test_an_event_stream_goes_on_after_the_last_event_id(app, channels):
    @app.get("/news")
    async def news():
        return channels.event_stream("news", heartbeat=0.1)

    async with app.test_app() as test_app, app.app_context():
        client = test_app.test_client()
        ids = [await channels.publish("news", {"n": number}) for number in range(3)]
        async with client.request("/news", headers={"Last-Event-ID": ids[0]}) as stream:
            assert await read_event(stream) == [": "]
            events = [await read_event(stream) for _ in range(3)]
            await stream.disconnect()
        assert events[:2] == [
            [f"id: {ids[1]}", f"data: {json.dumps({'n': 1})}"],
            [f"id: {ids[2]}", f"data: {json.dumps({'n': 2})}"],
        ]
        assert events[2] == [":"]
        async with client.request("/news", headers={"Last-Event-ID": "lost.1"}) as stream:
            assert await read_event(stream) == ["event: reset", "data: "]
            await stream.disconnect()


@pytest.mark.parametrize("name", ["", "x" * 201, None, "ä" * 101])
async def test_a_name_that_is_none_is_refused(name, app, channels):
    async with app.app_context():
        with pytest.raises(ValueError, match=r"no name of a channel\. Write text of 1 to 200"):
            await channels.publish(name, "")
        with pytest.raises(ValueError, match="no name of a channel"):
            channels.subscribe(name)


async def test_an_overflow_that_is_none_is_refused(app, channels):
    async with app.app_context():
        with pytest.raises(ValueError, match="neither 'close' nor 'drop_oldest'"):
            channels.subscribe("news", overflow="block")


async def test_an_app_without_channels_says_how_to_get_them():
    app = Flask("app")
    async with app.app_context():
        with pytest.raises(RuntimeError, match=r"'app' has no channels\. Write `Channels\(app\)`"):
            await Channels().publish("news", "")


@pytest.mark.parametrize("url", ["", "kafka://user:secret@127.0.0.1", "redis"])
async def test_a_url_without_an_engine_is_refused_without_its_password(url, app, channels):
    app.config["CHANNELS_URL"] = url
    async with app.app_context():
        with pytest.raises(ValueError, match="begins with no scheme of an engine") as caught:
            await channels.publish("news", "")
    assert "secret" not in str(caught.value)


async def test_a_message_over_the_engines_limit_is_refused(app, channels):
    async with app.test_app(), app.app_context():
        with pytest.raises(
            ValueError, match=r"was given 67108865 bytes; the engine takes 67108864"
        ):
            await channels.publish("news", b"x" * (64 * 1024 * 1024 + 1))


async def test_subscriptions_end_when_the_app_stops(app, channels):
    seen = []

    async def read():
        async with app.app_context(), channels.subscribe("news") as messages:
            async for message in messages:
                seen.append(message.text)
        seen.append("ended")

    async with app.test_app():
        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        async with app.app_context():
            await channels.publish("news", "1")
    await asyncio.wait_for(task, 10)
    assert seen == ["1", "ended"]


async def test_a_view_that_subscribes_gets_what_another_publishes(app, channels):
    @app.websocket("/ws")
    async def ws():
        async with channels.subscribe("news") as messages:
            await websocket.send("ready")
            async for message in messages:
                await websocket.send(message.text)

    @app.post("/")
    def publish():
        channels.publish("news", "hello")
        return ""

    async with app.test_app() as test_app:
        client = test_app.test_client()
        async with client.websocket("/ws") as connection:
            assert await connection.receive() == "ready"
            await client.post("/")
            assert await connection.receive() == "hello"
