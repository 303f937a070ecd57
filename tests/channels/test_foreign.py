"""What another program sends to the names of channels is ignored, with one warning."""

from __future__ import annotations

import asyncio

import asyncpg
import nats
from redis.asyncio import Redis

from asyncflask import Flask

#: What is no message of a channel: without a position, with one that is malformed, not of UTF-8.
GARBAGE = [b"hello", b"", b"abc.5", b"abc.x\nhello", b"\xff\xfe.1\nhello", b"=\n", b"a.1 =x=x"]


async def redis(url, prefix):
    async with Redis.from_url(url.replace("valkey:", "redis:", 1)) as client:
        for body in GARBAGE:
            assert await client.publish(f"{prefix}:live:{{news}}", body) == 1
            assert await client.publish(f"{prefix}:control", body) == 1
        await client.publish(f"{prefix}:control", b"abc.1\nhello")
        await client.rpush(f"{prefix}:kept:{{news}}", b"hello")


async def postgresql(url, prefix):
    client = await asyncpg.connect(url)
    try:
        listen = "SELECT query FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        name = (await client.fetchval(listen)).split('"')[1]
        for body in GARBAGE:
            text = body.decode(errors="replace")
            await client.execute("SELECT pg_notify($1, $2)", name, text)
    finally:
        await client.close()


async def nats_server(url, prefix):
    client = await nats.connect(url)
    try:
        for number in ("", "x", "9" * 5000, "-1", "٣"):
            headers = {"Nats-Sequence": number} if number else None
            await client.publish(f"{prefix}.live.bmV3cw", b"hello", headers=headers)
        await client.flush()
    finally:
        await client.close()


SEND = {"redis": redis, "valkey": redis, "postgresql": postgresql, "nats": nats_server}


async def test_what_is_no_message_is_ignored_with_one_warning(own_server, channels, caplog):
    app = Flask("foreign")
    app.config.update(CHANNELS_URL=own_server.url, CHANNELS_PREFIX="foreign")
    channels.init_app(app)
    send = SEND[own_server.url.partition(":")[0]]
    async with app.test_app(), app.app_context(), asyncio.timeout(20):
        async with channels.subscribe("news") as messages:
            first = await channels.publish("news", "1")
            await send(own_server.url, "foreign")
            await channels.publish("news", "2")
            assert [(await anext(messages)).text for _ in range(2)] == ["1", "2"]
            assert messages.complete
        async with channels.subscribe("news", after=first) as messages:
            assert (await anext(messages)).text == "2"
    texts = [record.getMessage() for record in caplog.records if "Channels" in record.getMessage()]
    assert len(texts) == 1, texts
    assert "is no message of a channel" in texts[0]
    assert "CHANNELS_PREFIX='foreign'" in texts[0]
