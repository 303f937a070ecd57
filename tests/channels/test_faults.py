"""What subscribers and publishers see while an engine's server is gone, and afterwards."""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import tracemalloc
from importlib import import_module

import asyncpg
import nats
import pytest
from redis.asyncio import Redis

from asyncflask import Flask
from asyncflask.channels import ChannelsUnavailable
from tests.services import redis

from .link import Link

#: nats-py connects again without closing a connection whose server has said nothing; Python closes
#: it, with this warning, when it collects the garbage.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")

PATIENCE = 20


@pytest.fixture(autouse=True)
def _collected():
    """Collect what a test leaves while its filter of warnings still holds."""
    yield
    gc.collect()


@pytest.fixture
def app(own_server, channels):
    """An app on a server that the test may stop."""
    app = Flask("faults")
    app.config.update(CHANNELS_URL=own_server.url, CHANNELS_TIMEOUT=1, CHANNELS_PREFIX="faults")
    channels.init_app(app)
    return app


async def publish_until_taken(channels, value):
    """Publish again until the engine has the message."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await channels.publish("news", value)
            except ChannelsUnavailable:
                await asyncio.sleep(0.01)


async def until(condition):
    """Wait until a function returns true."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


async def take(messages, number):
    """Return the texts of the next messages."""
    async with asyncio.timeout(PATIENCE):
        return [(await anext(messages)).text for _ in range(number)]


@pytest.mark.parametrize("own_server", ["redis", "nats"], indirect=True)
async def test_an_engine_may_take_longer_to_answer_than_its_client_library_waits(
    app, own_server, channels
):
    """Both libraries wait for 5 seconds, unless they are told otherwise."""
    app.config.update(CHANNELS_TIMEOUT=15, CHANNELS_HEARTBEAT=30)
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        await channels.publish("news", "first")
        own_server.hang()
        publishing = asyncio.create_task(channels.publish("news", "late"))
        _, waits = await asyncio.wait([publishing], timeout=5.5)
        own_server.go_on()
        assert waits
        assert await publishing
        assert await take(messages, 2) == ["first", "late"]


@pytest.mark.parametrize("own_server", ["redis", "nats"], indirect=True)
async def test_without_a_limit_an_engine_that_hangs_is_named(app, own_server, channels):
    app.config.update(CHANNELS_TIMEOUT=None, CHANNELS_HEARTBEAT=2)
    async with app.test_app(), app.app_context():
        await channels.publish("news", "first")
        own_server.hang()
        with pytest.raises(ChannelsUnavailable, match=r"The engine of CHANNELS_URL .*; see that"):
            await channels.publish("news", "late")
        own_server.go_on()
        await until(lambda: channels.connected)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_after_a_restart_the_subscribers_get_everything_in_order(
    how, app, own_server, channels, caplog
):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        await channels.publish("news", "before")
        assert await take(messages, 1) == ["before"]
        getattr(own_server, how)()
        await until(lambda: not channels.connected)
        with pytest.raises(ChannelsUnavailable, match="CHANNELS_URL"):
            await channels.publish("news", "refused")
        own_server.start()
        for number in range(48):
            await publish_until_taken(channels, str(number))
        assert await take(messages, 48) == [str(number) for number in range(48)]
    texts = [record.getMessage() for record in caplog.records if "Channels" in record.getMessage()]
    assert ["lost" in texts[0], "again" in texts[1], len(texts)] == [True, True, 2]


async def test_a_server_that_comes_back_soon_is_warned_of_once(app, own_server, channels, caplog):
    app.config["CHANNELS_TIMEOUT"] = 5
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        own_server.kill()
        await until(lambda: not channels.connected)
        await asyncio.sleep(0.3)  # The first try to connect is refused.
        own_server.start()
        await publish_until_taken(channels, "1")
        assert await take(messages, 1) == ["1"]
        await asyncio.sleep(0.3)
        assert channels.connected
    assert caplog.text.count("the engine was lost") == 1


@pytest.mark.parametrize("name", ["postgresql", "nats"])
async def test_what_an_administrator_deletes_is_made_again(name, servers, channels):
    app = Flask("faults")
    app.config.update(CHANNELS_URL=servers(name).url, CHANNELS_PREFIX="deleted")
    app.config.update(CHANNELS_HEARTBEAT=0.2, CHANNELS_TIMEOUT=1)
    channels.init_app(app)
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        await channels.publish("news", "before")
        await DELETE[name](servers(name).url)
        await publish_until_taken(channels, "after")
        assert await take(messages, 2) == ["before", "after"]


async def delete_stream(url):
    """Delete the stream of NATS."""
    client = await nats.connect(url)
    await client.jetstream().delete_stream("deleted_channels")
    await client.close()


async def delete_tables(url):
    """Delete the tables of PostgreSQL."""
    client = await asyncpg.connect(url)
    await client.execute("DROP TABLE deleted_channels, deleted_messages, deleted_present")
    await client.close()


DELETE = {"nats": delete_stream, "postgresql": delete_tables}


async def test_a_server_that_hangs_raises_in_time_and_loses_nothing(app, own_server, channels):
    async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
        await channels.publish("news", "before")
        own_server.hang()
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ChannelsUnavailable, match="CHANNELS_TIMEOUT=1 seconds"):
            await channels.publish("news", "unknown")
        assert loop.time() - began < 5
        own_server.go_on()
        await publish_until_taken(channels, "after")
        texts = await take(messages, 2)
        if texts[1] == "unknown":  # The server took it when it went on.
            texts[1:] = await take(messages, 1)
        assert texts == ["before", "after"]


async def test_an_event_stream_says_that_messages_may_be_missing(app, own_server, channels):
    @app.get("/news")
    async def news():
        return channels.event_stream("news", heartbeat=60)

    async with app.test_app() as test_app, app.app_context(), asyncio.timeout(PATIENCE):
        async with test_app.test_client().request("/news") as stream:
            assert await stream.receive() == b": \n\n"
            await channels.publish("news", "before")
            assert (await stream.receive()).endswith(b"data: before\n\n")
            own_server.kill()
            await until(lambda: not channels.connected)
            own_server.start()
            await publish_until_taken(channels, "after")
            assert await stream.receive() == b"event: reset\ndata: \n\n"
            assert (await stream.receive()).endswith(b"data: after\n\n")
            await stream.disconnect()


async def test_an_engine_that_refuses_a_message_says_why(servers, channels):
    app = Flask("faults")
    app.config.update(CHANNELS_URL=servers("redis").url, CHANNELS_PREFIX="refused")
    channels.init_app(app)
    async with app.test_app(), app.app_context():
        async with Redis.from_url(servers("redis").url) as client:
            await client.set("refused:counter:{news}", "no hash")
        with pytest.raises(ChannelsUnavailable, match=r"WRONGTYPE.* refused it"):
            await channels.publish("news", "1")


async def test_a_connection_to_redis_does_not_read_the_metadata_of_packages(
    servers, channels, monkeypatch
):
    """It would block the loop, for 10 ms."""
    read = []
    version = importlib.metadata.version

    def noted(name):
        read.append(name)
        return version(name)

    app = Flask("faults")
    app.config.update(CHANNELS_URL=servers("redis").url, CHANNELS_PREFIX="metadata")
    channels.init_app(app)
    import_module("asyncflask.channels.redis")  # which reads it once
    monkeypatch.setattr(importlib.metadata, "version", noted)
    async with app.test_app(), app.app_context():
        await channels.publish("news", "1")
    assert read == []


async def test_a_server_that_is_not_there_raises_in_time(channels):
    app = Flask("faults")
    app.config.update(CHANNELS_URL="redis://127.0.0.1:1/0", CHANNELS_TIMEOUT=0.3)
    channels.init_app(app)
    async with app.test_app(), app.app_context():
        with pytest.raises(ChannelsUnavailable, match=r"publish\('news'\) failed"):
            await channels.publish("news", "1")
        with pytest.raises(ChannelsUnavailable, match=r"subscribe\('news'\) failed"):
            async with channels.subscribe("news"):
                pass
        with pytest.raises(ChannelsUnavailable, match=r"members\('news'\) failed"):
            await channels.members("news")
        assert not channels.connected


async def test_names_that_come_and_go_leave_nothing(channels):
    app = Flask("faults")
    app.config.update(CHANNELS_TTL=0.001)
    channels.init_app(app)

    async def visit(first, last):
        for number in range(first, last):
            async with channels.subscribe(f"room{number}"):
                await channels.publish(f"room{number}", "hello")
            await asyncio.sleep(0)

    async with app.test_app(), app.app_context():
        await visit(0, 1_000)
        gc.collect()
        tracemalloc.start()
        try:
            await visit(1_000, 4_000)
            await asyncio.sleep(0.01)
            await channels.publish("last", "")
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 1024 * 1024  # 350 bytes for each name


async def test_a_reader_that_never_reads_holds_no_more_than_its_mailbox(channels):
    app = Flask("faults")
    app.config.update(CHANNELS_MAILBOX=1000, CHANNELS_MAILBOX_BYTES=50_000, CHANNELS_HISTORY=0)
    channels.init_app(app)
    async with app.test_app(), app.app_context():
        async with channels.subscribe("news", overflow="drop_oldest") as messages:
            for _ in range(100):
                await channels.publish("news", b"x" * 1000)
            assert messages.lost == 50


async def test_a_link_that_is_cut_is_noticed_and_nothing_is_lost_on_it(remote_server, channels):
    def worker(url):
        app = Flask("worker")
        app.config.update(CHANNELS_URL=url, CHANNELS_TIMEOUT=1, CHANNELS_PREFIX="link")
        app.config.update(CHANNELS_HEARTBEAT=0.2, CHANNELS_PRESENCE=1, CHANNELS_MAILBOX=5)
        channels.init_app(app)
        return app

    async def members():
        async with near.app_context():
            return await channels.members("room")

    async with Link(remote_server.url).open() as link:
        near, far = worker(remote_server.url), worker(link.url)
        async with near.test_app(), far.test_app(), far.app_context(), asyncio.timeout(PATIENCE):
            async with channels.subscribe("news") as messages, channels.present("room", "ann"):
                assert await members() == ["ann"]
                link.cut()
                with pytest.raises(ChannelsUnavailable, match=r"publish\('other'\) failed"):
                    await channels.publish("other", "lost")
                await until(lambda: not channels.connected)
                async with near.app_context():
                    for number in range(20):
                        await channels.publish("news", str(number))
                while await members():
                    await asyncio.sleep(0.05)
                link.mend()
                assert await take(messages, 20) == [str(number) for number in range(20)]
                assert messages.complete
                while await members() != ["ann"]:
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("program", ["redis-server", "valkey-server"])
async def test_a_redis_that_comes_back_with_an_old_state_loses_no_live_message(
    program, tmp_path, channels
):
    server = redis(tmp_path, save="3600 1", program=program)
    server.start()
    try:
        app = Flask("faults")
        app.config.update(CHANNELS_URL=server.url, CHANNELS_PREFIX="faults")
        channels.init_app(app)
        async with app.test_app(), app.app_context(), channels.subscribe("news") as messages:
            await channels.publish("news", "saved")
            async with Redis.from_url(f"redis://{server.url.partition('://')[2]}") as client:
                await client.save()
            ids = [await channels.publish("news", str(number)) for number in range(10)]
            await take(messages, 11)
            server.kill()
            await until(lambda: not channels.connected)
            server.start()
            again = [await publish_until_taken(channels, str(number)) for number in range(10)]
            assert await take(messages, 10) == [str(number) for number in range(10)]
            assert not set(ids) & set(again)
            assert not messages.complete
            async with channels.subscribe("news", after=ids[0]) as others:
                assert not others.complete
    finally:
        server.kill()
