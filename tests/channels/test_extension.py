"""Channels in an app: views of both kinds, websockets, event streams, commands, the facade."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import weakref

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from asyncflask import Flask, WebsocketDisconnect, g, websocket
from asyncflask.channels import Channels, ChannelsUnavailable, Position
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


@pytest.mark.parametrize("name", ["", "x" * 201, None, "ä" * 101, "a\0b", "\ud800", b"news"])
async def test_a_name_that_is_none_is_refused(name, app, channels):
    async with app.app_context():
        with pytest.raises(ValueError, match=r"no name of a channel\. Write text of 1 to 200"):
            await channels.publish(name, "")
        with pytest.raises(ValueError, match="no name of a channel"):
            channels.subscribe(name)


@pytest.mark.parametrize("name", ["", "x" * 1001, None, "a\0b", "\ud800"])
async def test_a_member_without_a_name_is_refused(name, app, channels):
    async with app.app_context():
        with pytest.raises(ValueError, match=r"no name of a member\. Write text of 1 to 1000"):
            async with channels.present("room", name):
                pass


async def test_an_overflow_that_is_none_is_refused(app, channels):
    async with app.app_context():
        with pytest.raises(ValueError, match="neither 'close' nor 'drop_oldest'"):
            channels.subscribe("news", overflow="block")


@pytest.mark.parametrize("expression", ["publish('news', '')", "members('news')", "relay('news')"])
@pytest.mark.parametrize("how", ["", "return "])
async def test_a_call_without_await_is_named(expression, how, app, channels):
    app.testing = True
    source = f"async def view():\n    {how}channels.{expression}\n    return ''"
    names = {"channels": channels}
    exec(source, names)
    app.get("/")(names["view"])

    with pytest.raises(TypeError, match=rf"await channels\.{expression.partition('(')[0]}\("):
        await app.test_client().get("/")


async def test_a_subscription_that_is_not_entered_by_async_with_says_so(app, channels):
    async with app.app_context():
        with pytest.raises(TypeError, match=r"was iterated over .* Write `async with channels"):
            async for _ in channels.subscribe("news"):
                pass
        with pytest.raises(TypeError, match=r"was iterated over by `for`.* Write `async with"):
            list(channels.subscribe("news"))
        with pytest.raises(TypeError, match=r"was entered by `with`.* Write `async with channels"):
            with channels.subscribe("news"):
                pass


async def test_a_subscription_after_what_is_no_id_is_refused(app, channels):
    async with app.app_context():
        with pytest.raises(TypeError, match=r"after=5\) was given no message's id\. Write"):
            channels.subscribe("news", after=5)


async def test_relay_outside_of_a_websocket_says_so(app, channels):
    app.testing = True

    @app.get("/")
    async def view():
        await channels.relay("news")

    with pytest.raises(RuntimeError, match="Working outside of websocket context"):
        await app.test_client().get("/")


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


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CHANNELS_URL", None),
        ("CHANNELS_URL", "kafka://127.0.0.1"),
        ("CHANNELS_PREFIX", 5),
        ("CHANNELS_HISTORY", "100"),
        ("CHANNELS_TIMEOUT", 0),
        ("CHANNELS_MAILBOX", 0),
        ("CHANNELS_HEARTBEAT", "5s"),
    ],
)
async def test_a_wrong_setting_ends_the_startup(key, value, app, channels):
    app.config[key] = value
    with pytest.raises(ValueError, match=rf"{key}.* Write "):
        await app.startup()


@pytest.mark.parametrize("url", ["redis://h:port", "redis://h/tea", "redis:h", "redis://h?tea=1"])
async def test_a_url_that_redis_does_not_know_is_refused(url, app, channels):
    app.config["CHANNELS_URL"] = url
    with pytest.raises(ValueError, match=r"cannot be used: .* Write redis://host:port/number"):
        await app.startup()


@pytest.mark.parametrize(
    "url", ["redis://", "redis:///1", "redis://:secret@h", "rediss://h?ssl_cert_reqs=none"]
)
async def test_a_url_that_redis_knows_needs_no_server_at_the_start(url, app, channels):
    app.config["CHANNELS_URL"] = url
    await app.startup()
    assert app.has_started
    await app.shutdown()


@pytest.mark.parametrize("scheme", ["redis", "postgresql", "nats"])
async def test_an_engine_that_cannot_be_reached_is_named_with_the_reason(scheme, app, channels):
    app.config.update(CHANNELS_URL=f"{scheme}://127.0.0.1:1", CHANNELS_TIMEOUT=0.5)
    async with app.test_app(), app.app_context():
        with pytest.raises(ChannelsUnavailable, match=r"last try to connect: C.*127\.0\.0\.1"):
            await channels.publish("news", "")


async def test_an_event_stream_ends_in_order_if_the_engine_cannot_be_reached(app, channels, caplog):
    app.config.update(CHANNELS_URL="redis://127.0.0.1:1", CHANNELS_TIMEOUT=0.2)

    @app.get("/")
    async def view():
        return channels.event_stream("news")

    async with app.test_app() as running:
        response = await running.test_client().get("/")

    assert (response.status_code, response.data) == (200, b"")
    assert "An event stream ends, and its browser connects again. subscribe('news') " in caplog.text
    assert "Traceback" not in caplog.text


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


@pytest.mark.parametrize("kind", [Flask, FacadeFlask])
def test_code_without_a_loop_keeps_its_connection_as_long_as_the_app_is_there(kind, servers):
    url = servers("redis").url
    with Redis.from_url(url) as redis:

        def connections():
            return len(redis.client_list())

        def publish():
            app = kind("app")
            app.config.update(CHANNELS_URL=url, CHANNELS_TIMEOUT=1)
            channels = Channels(app)
            with app.app_context():
                channels.publish("news", "1")
                used, before = connections(), redis.info("stats")["total_connections_received"]
                for _ in range(20):
                    channels.publish("news", "2")
                assert channels.connected
            assert redis.info("stats")["total_connections_received"] == before
            return used

        used = publish()
        # asyncio keeps the timer of a question that was answered, and the timer its context.
        ends = time.monotonic() + 10
        while connections() > used - 2:
            assert time.monotonic() < ends
            gc.collect()
            time.sleep(0.1)


async def test_a_def_view_says_whether_the_engine_can_be_reached(app, channels):
    @app.get("/def")
    def health():
        return {"connected": channels.connected}

    @app.get("/async")
    async def health_async():
        return {"connected": channels.connected}

    async with app.test_app() as test_app, app.app_context():
        await channels.publish("news", "")
        for path in ("/def", "/async"):
            assert (await test_app.test_client().get(path)).json == {"connected": True}


async def test_a_request_that_published_is_forgotten(app, channels, servers):
    app.config["CHANNELS_URL"] = servers("redis").url
    app.config["CHANNELS_TIMEOUT"] = 0.5
    seen = []

    class Payload:
        """What a view puts on ``g``."""

    @app.get("/")
    async def publish():
        g.payload = Payload()
        seen.append(weakref.ref(g.payload))
        async with channels.subscribe("news"), channels.present("news", "ann"):
            return await channels.publish("news", "1")

    async with app.test_app() as test_app, asyncio.timeout(10):
        for _ in range(3):
            assert (await test_app.test_client().get("/")).status_code == 200
        while any(payload() is not None for payload in seen):
            gc.collect()
            await asyncio.sleep(0.1)


def test_each_loop_has_channels_of_its_own_though_the_one_before_ended_suddenly(servers):
    app = Flask("app")
    app.config["CHANNELS_URL"] = servers("redis").url
    channels = Channels(app)

    async def use():
        async with app.app_context(), channels.subscribe("news") as messages:
            await channels.publish("news", "1")
            async with asyncio.timeout(10):
                return (await anext(messages)).text

    assert [asyncio.run(use()) for _ in range(3)] == ["1", "1", "1"]


async def test_an_event_stream_of_a_slow_client_ends_and_goes_on_where_it_ended(app, channels):
    app.config["CHANNELS_MAILBOX"] = 3

    @app.get("/news")
    async def news():
        return channels.event_stream("news")

    async with app.test_app() as test_app, app.app_context():
        client = test_app.test_client()
        async with client.request("/news") as stream:
            assert await read_event(stream) == [": "]
            ids = await asyncio.gather(*(channels.publish("news", str(n)) for n in range(5)))
            first = [await read_event(stream) for _ in range(3)]
            assert await stream.receive() == b""
        async with client.request("/news", headers={"Last-Event-ID": ids[2]}) as stream:
            assert await read_event(stream) == [": "]
            rest = [await read_event(stream) for _ in range(2)]
            await stream.disconnect()
    assert first + rest == [[f"id: {id}", f"data: {n}"] for n, id in enumerate(ids)]


@pytest.mark.parametrize(("workers", "warnings"), [("1", 0), ("2", 1)])
async def test_memory_in_several_workers_is_warned_of_once(
    workers, warnings, app, channels, caplog, monkeypatch
):
    monkeypatch.setenv("_ASYNCFLASK_WORKERS", workers)
    async with app.test_app(), app.app_context():
        await channels.publish("news", "1")
        await channels.publish("news", "2")
    assert caplog.text.count("one of 2 workers") == warnings


async def test_bytes_of_any_kind_are_published(app, channels):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        for value in (b"\xff", bytearray(b"\xff"), memoryview(b"\xff")):
            await channels.publish("news", value)
            assert (await anext(messages)).body == b"\xff"


async def test_text_that_cannot_be_utf_8_is_refused(app, channels):
    """JSON of a client may have such text."""
    async with app.app_context():
        with pytest.raises(ValueError, match=r"was given text with half of .* Write `value\.enc"):
            await channels.publish("news", json.loads(r'"\ud800"'))


async def test_a_def_view_may_return_an_event_stream(app, channels):
    @app.get("/news")
    def news():
        return channels.event_stream("news")

    async with app.test_app() as test_app, app.app_context():
        async with test_app.test_client().request("/news") as stream:
            assert await read_event(stream) == [": "]
            await channels.publish("news", "hello")
            assert (await read_event(stream))[1:] == ["data: hello"]
            await stream.disconnect()


async def test_an_event_stream_replaces_bytes_that_are_no_text(app, channels):
    @app.get("/news")
    async def news():
        return channels.event_stream("news")

    async with app.test_app() as test_app, app.app_context():
        async with test_app.test_client().request("/news") as stream:
            assert await read_event(stream) == [": "]
            for body in (b"a\xffb", b"after"):
                await channels.publish("news", body)
            assert (await read_event(stream))[1:] == ["data: a\ufffdb"]
            assert (await read_event(stream))[1:] == ["data: after"]
            await stream.disconnect()


async def closed_with(app, send, code):
    """Send to a relay, and expect its websocket to be closed with a code."""

    @app.websocket("/room")
    async def room():
        await app.extensions["relay"]("room")

    async with app.test_app() as test_app:
        async with test_app.test_client().websocket("/room") as client:
            await send(client)
            with pytest.raises(WebsocketDisconnect, match=str(code)):
                async with asyncio.timeout(10):
                    await client.receive()


async def test_relay_closes_a_client_whose_message_is_too_large_with_1009(app, channels):
    app.extensions["relay"] = channels.relay
    await closed_with(app, lambda client: client.send(b"x" * (64 * 1024 * 1024 + 1)), 1009)


async def test_relay_closes_a_client_whose_message_the_engine_refuses_with_1013(
    app, channels, servers
):
    app.config.update(CHANNELS_URL=servers("redis").url, CHANNELS_PREFIX="relay")
    app.extensions["relay"] = channels.relay

    async def send(client):
        async with AsyncRedis.from_url(servers("redis").url) as redis:
            await redis.set("relay:counter:{room}", "no hash")
        await client.send("hello")

    await closed_with(app, send, 1013)


async def test_two_tasks_that_read_from_one_subscription_are_told(app, channels):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        first = asyncio.create_task(anext(messages))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"Two tasks read .* Give each of them"):
            await anext(messages)
        await channels.publish("news", "1")
        assert (await first).text == "1"


async def test_a_subscription_ends_with_its_block_for_every_reader(app, channels):
    async with app.app_context():
        async with channels.subscribe("news") as messages:
            reader = asyncio.create_task(anext(messages, "end"))
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await reader == "end"
            assert [message async for message in messages] == []


async def test_an_event_stream_ends_when_the_server_stops_although_the_engine_does_not_answer(app):
    app.config["CHANNELS_URL"] = "redis://127.0.0.1:1"  # Nothing listens there.
    app.config["CHANNELS_TIMEOUT"] = 60
    channels = Channels(app)

    @app.get("/events")
    async def events():
        return channels.event_stream("news", heartbeat=0.01)

    async with app.test_app() as test_app:
        async with test_app.test_client().request("/events") as stream:
            assert await read_event(stream) == [":"]  # It waits for the engine.
            app.stopping.set()
            last = [":"]
            while last == [":"]:
                last = await read_event(stream)
            assert last[0].startswith("retry: ")


async def test_a_silent_event_stream_ends_when_the_server_stops(app, channels):
    @app.get("/events")
    async def events():
        return channels.event_stream("news", heartbeat=60)

    async with app.test_app() as test_app:
        async with test_app.test_client().request("/events") as stream:
            assert await read_event(stream) == [": "]
            app.stopping.set()
            assert (await read_event(stream))[0].startswith("retry: ")


async def test_a_message_is_decoded_and_encoded_once_for_all_subscribers(app, channels):
    async with app.test_app(), app.app_context():
        async with channels.subscribe("news") as one, channels.subscribe("news") as two:
            message_id = await channels.publish("news", "a\nb")
            first, second = await anext(one), await anext(two)

    assert first.text == "a\nb"
    assert first.event == f"id: {message_id}\ndata: a\ndata: b\n\n".encode()
    assert first.text is second.text
    assert first.event is second.event


@pytest.mark.parametrize("turns", range(8))
async def test_a_reader_that_is_cancelled_as_a_message_comes_loses_none(app, channels, turns):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        for number in range(3):
            reading = asyncio.create_task(anext(messages))
            publishing = asyncio.create_task(channels.publish("news", str(number)))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading, publishing])
            if reading.cancelled():
                reading = asyncio.create_task(anext(messages))
            async with asyncio.timeout(10):
                assert (await reading).text == str(number)


async def test_a_reader_may_wait_with_a_time_limit_again_and_again(app, channels):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await anext(messages)
        await channels.publish("news", "a")
        assert (await anext(messages)).text == "a"
