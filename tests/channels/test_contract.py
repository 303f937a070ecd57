"""What every engine promises: order, replay without gap or double, presence, cleaning up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from asyncflask.channels import EngineOptions, SlowSubscriber
from asyncflask.channels.engine import engine_class


@pytest.fixture
def two_workers(make_app, server):
    """Return a context manager that runs two workers of an app; in memory both are the same."""

    @asynccontextmanager
    async def run(**config):
        async with AsyncExitStack() as stack:
            apps = [make_app(**config)]
            apps.append(apps[0] if server.url == "memory://" else make_app(**config))
            for app in dict.fromkeys(apps):
                await stack.enter_async_context(app.test_app())
            yield apps

    return run


async def take(messages, number):
    """Return the next messages."""
    async with asyncio.timeout(10):
        return [await anext(messages) for _ in range(number)]


async def test_a_message_reaches_the_subscribers_of_all_workers(two_workers, channels):
    async with two_workers() as (one, two):
        async with one.app_context(), channels.subscribe("news") as first:
            async with two.app_context(), channels.subscribe("news") as second:
                sent = await channels.publish("news", "hello")
                for messages in (first, second):
                    (message,) = await take(messages, 1)
                    assert (message.channel, message.id, message.text) == ("news", sent, "hello")


async def test_text_bytes_and_json_arrive_as_they_were_published(two_workers, channels):
    async with two_workers() as (one, two), two.app_context():
        async with channels.subscribe("news") as messages, one.app_context():
            await channels.publish("news", "ä\n\0")
            await channels.publish("news", b"\xff\x00")
            await channels.publish("news", {"n": [1, None]})
            await channels.publish("news", "")
            text, data, value, empty = await take(messages, 4)
    assert (text.text, data.body, value.json(), empty.body) == (
        "ä\n\0",
        b"\xff\x00",
        {"n": [1, None]},
        b"",
    )


async def test_all_workers_see_one_order(two_workers, channels):
    async with two_workers() as (one, two):

        async def publish(app, name):
            async with app.app_context():
                for number in range(30):
                    await channels.publish("news", f"{name}{number}")

        async with one.app_context(), channels.subscribe("news") as first:
            async with two.app_context(), channels.subscribe("news") as second:
                await asyncio.gather(publish(one, "a"), publish(two, "b"))
                seen = [[m.text for m in await take(messages, 60)] for messages in (first, second)]
    assert seen[0] == seen[1]
    for name in "ab":
        of_one = [text for text in seen[0] if text[0] == name]
        assert of_one == [f"{name}{number}" for number in range(30)]


async def test_a_large_message_keeps_its_place(two_workers, channels):
    sizes = [10, 300_000, 20, 9_000, 30]
    async with two_workers() as (one, two), two.app_context():
        async with channels.subscribe("news") as messages, one.app_context():
            for size in sizes:
                await channels.publish("news", b"x" * size)
            assert [len(m.body) for m in await take(messages, len(sizes))] == sizes


async def test_channels_do_not_mix(two_workers, channels):
    names = ["a", "a.b", "a b", "a*", "ä", "A", "{a}", "a:b>", "x" * 200]
    async with two_workers() as (one, two), two.app_context(), AsyncExitStack() as stack:
        subscribed = [await stack.enter_async_context(channels.subscribe(name)) for name in names]
        async with one.app_context():
            for name in names:
                await channels.publish(name, name)
            for name in names:
                await channels.publish(name, "end")
        for name, messages in zip(names, subscribed, strict=True):
            assert [m.text for m in await take(messages, 2)] == [name, "end"]


async def test_after_replays_what_was_missed_and_then_the_live_ones(two_workers, channels):
    async with two_workers() as (one, two):
        async with one.app_context():
            ids = [await channels.publish("news", str(number)) for number in range(6)]
        async with two.app_context(), channels.subscribe("news", after=ids[2]) as messages:
            assert messages.complete
            await channels.publish("news", "live")
            assert [m.text for m in await take(messages, 4)] == ["3", "4", "5", "live"]


async def test_after_the_last_message_replays_nothing_and_is_complete(two_workers, channels):
    async with two_workers() as (one, _), one.app_context():
        last = await channels.publish("news", "1")
        await channels.publish("other", "1")
        async with channels.subscribe("news", after=last) as messages:
            assert messages.complete
            await channels.publish("news", "2")
            assert [m.text for m in await take(messages, 1)] == ["2"]


async def test_a_replay_during_a_burst_has_no_gap_and_no_double(two_workers, channels):
    async with two_workers() as (one, two), two.app_context():
        first = await channels.publish("news", "0")

        async def publish():
            async with one.app_context():
                for number in range(1, 60):
                    await channels.publish("news", str(number))

        task = asyncio.create_task(publish())
        for _ in range(5):
            async with channels.subscribe("news", after=first) as messages:
                assert messages.complete
                seen = [m.text for m in await take(messages, 59)]
            assert seen == [str(number) for number in range(1, 60)]
        await task


@pytest.mark.parametrize("after", ["", "nonsense", "0.1", "abc.5", "x" * 300, "9.9\nid: 1"])
async def test_an_unknown_id_replays_nothing_and_is_not_complete(after, two_workers, channels):
    async with two_workers() as (one, _), one.app_context():
        await channels.publish("news", "old")
        async with channels.subscribe("news", after=after) as messages:
            assert not messages.complete
            await channels.publish("news", "new")
            assert [m.text for m in await take(messages, 1)] == ["new"]


async def test_more_than_the_history_missed_is_not_complete(two_workers, channels):
    async with two_workers(CHANNELS_HISTORY=5) as (one, _), one.app_context():
        ids = [await channels.publish("news", str(number)) for number in range(10)]
        async with channels.subscribe("news", after=ids[3]) as messages:
            assert not messages.complete
        async with channels.subscribe("news", after=ids[4]) as messages:
            assert messages.complete
            assert [m.text for m in await take(messages, 5)] == list("56789")


async def test_a_channel_that_expired_is_not_complete(two_workers, channels):
    async with two_workers(CHANNELS_TTL=0.4) as (one, _), one.app_context():
        first = await channels.publish("news", "1")
        await channels.publish("news", "2")
        await asyncio.sleep(0.7)
        async with channels.subscribe("news", after=first) as messages:
            assert not messages.complete


async def test_a_quiet_channel_whose_messages_expired_is_complete(two_workers, channels, server):
    """A client that comes back to it has missed nothing."""
    if server.url.startswith("nats:"):
        pytest.skip("NATS counts all channels together")
    async with two_workers(CHANNELS_TTL=0.4) as (one, _), one.app_context():
        last = await channels.publish("quiet", "1")
        await channels.publish("busy", "1")
        await asyncio.sleep(0.7)
        async with channels.subscribe("quiet", after=last) as messages:
            assert messages.complete
            await channels.publish("quiet", "2")
            assert [m.text for m in await take(messages, 1)] == ["2"]
        async with channels.subscribe("quiet", after=last) as messages:
            assert messages.complete
            assert [m.text for m in await take(messages, 1)] == ["2"]


@pytest.mark.parametrize("overflow", ["close", "drop_oldest"])
async def test_what_is_replayed_does_not_fill_the_mailbox(overflow, two_workers, channels):
    async with two_workers(CHANNELS_MAILBOX=5, CHANNELS_MAILBOX_BYTES=50) as (one, _):
        async with one.app_context(), channels.subscribe("news") as others:
            sent = [f"{number}{9 * 'x'}" for number in range(8)]
            ids = [await channels.publish("news", text) for text in sent[:1]]
            async with channels.subscribe("news", after=ids[0], overflow=overflow) as messages:
                pass
            for text in sent[1:]:
                await channels.publish("news", text)
                await take(others, 1)
            async with channels.subscribe("news", after=ids[0], overflow=overflow) as messages:
                for number in range(5):
                    await channels.publish("news", str(number))
                    await take(others, 1)
                got = [m.text for m in await take(messages, 12)]
                assert (got, messages.lost) == ([*sent[1:], *"01234"], 0)


async def test_a_slow_subscriber_is_closed_after_the_messages_that_it_has(two_workers, channels):
    async with two_workers(CHANNELS_MAILBOX=5) as (one, _), one.app_context():
        async with channels.subscribe("news") as messages, channels.subscribe("news") as all_seen:
            for number in range(8):
                await channels.publish("news", str(number))
                await take(all_seen, 1)
            assert [m.text for m in await take(messages, 5)] == list("01234")
            with pytest.raises(SlowSubscriber, match="CHANNELS_MAILBOX"):
                await take(messages, 1)


async def test_a_slow_subscriber_may_lose_the_oldest(two_workers, channels):
    async with two_workers(CHANNELS_MAILBOX=5) as (one, _), one.app_context():
        async with (
            channels.subscribe("news", overflow="drop_oldest") as messages,
            channels.subscribe("news") as all_seen,
        ):
            for number in range(8):
                await channels.publish("news", str(number))
                await take(all_seen, 1)
            assert [m.text for m in await take(messages, 5)] == list("34567")
            assert messages.lost == 3


async def test_who_is_present_is_seen_by_all_workers(two_workers, channels):
    async with two_workers() as (one, two):

        async def members():
            async with two.app_context():
                return await channels.members("room")

        async with one.app_context():
            assert await members() == []
            async with channels.present("room", "ann"), channels.present("room", "bob"):
                async with two.app_context(), channels.present("room", "cid"):
                    async with channels.present("room", "ann"):
                        assert await members() == ["ann", "bob", "cid"]
                    assert await members() == ["ann", "bob", "cid"]
                assert await members() == ["ann", "bob"]
            assert await members() == []


async def test_presence_is_renewed_for_as_long_as_it_lasts(two_workers, channels):
    async with two_workers(CHANNELS_PRESENCE=0.5) as (one, _), one.app_context():
        async with channels.present("room", "ann"):
            await asyncio.sleep(1.2)
            assert await channels.members("room") == ["ann"]


async def test_subscribing_may_be_cancelled_at_any_moment(two_workers, channels):
    async def visit(name):
        async with channels.subscribe(name) as messages:
            await anext(messages)

    async with two_workers() as (one, two), one.app_context():
        for number in range(200):
            task = asyncio.create_task(visit(f"room{number % 3}"))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        async with channels.subscribe("room1") as messages, two.app_context():
            await channels.publish("room1", "still")
            assert [m.text for m in await take(messages, 1)] == ["still"]


async def test_leaving_and_entering_a_channel_at_once_loses_nothing(two_workers, channels):
    async with two_workers() as (one, two), one.app_context():
        for number in range(30):
            async with channels.subscribe("room") as messages:
                async with two.app_context():
                    await channels.publish("room", str(number))
                assert [m.text for m in await take(messages, 1)] == [str(number)]


async def test_another_history_may_be_configured_later(make_app, channels):
    for history in (5, 7):
        app = make_app(CHANNELS_HISTORY=history)
        async with app.test_app(), app.app_context():
            ids = [await channels.publish("news", str(number)) for number in range(9)]
            async with channels.subscribe("news", after=ids[8 - history]) as messages:
                assert messages.complete
                assert len(await take(messages, history)) == history


async def test_many_publish_at_once(two_workers, channels):
    async with two_workers(CHANNELS_MAILBOX=300) as (one, two), two.app_context():
        async with channels.subscribe("news") as messages, one.app_context():
            ids = await asyncio.gather(*(channels.publish("news", str(n)) for n in range(300)))
            got = await take(messages, 300)
    assert {m.id: m.text for m in got} == {one: str(number) for number, one in enumerate(ids)}
    assert len(got) == 300


async def test_publishing_may_be_cancelled_at_any_moment(two_workers, channels):
    async with two_workers(CHANNELS_MAILBOX=300) as (one, two), two.app_context():
        async with channels.subscribe("news") as messages, one.app_context():
            for number in range(100):
                task = asyncio.create_task(channels.publish("news", f"cancelled{number}"))
                for _ in range(number % 9):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            ids = [await channels.publish("news", str(number)) for number in range(10)]
            got = []
            while len(got) < 10:
                (message,) = await take(messages, 1)
                if not message.text.startswith("cancelled"):
                    got.append((message.id, message.text))
    assert got == [(one, str(number)) for number, one in enumerate(ids)]


@pytest.mark.parametrize("history", [0, 3])
async def test_a_burst_of_large_messages_arrives_or_is_said_to_be_incomplete(
    history, two_workers, channels
):
    async with two_workers(CHANNELS_HISTORY=history) as (one, two), two.app_context():
        async with channels.subscribe("news") as messages, one.app_context():
            sent = [f"{number:05}" + 9_000 * "x" for number in range(60)]
            await asyncio.gather(*(channels.publish("news", text) for text in sent))
            await channels.publish("news", "end")
            got = []
            while "end" not in got:
                got += [m.text for m in await take(messages, 1)]
    assert len(set(got)) == len(got)
    assert set(got) <= {*sent, "end"}
    assert len(got) == 61 or not messages.complete


async def test_a_subscriber_may_subscribe_and_publish_while_it_reads(two_workers, channels):
    async with two_workers() as (one, two), two.app_context():
        async with channels.subscribe("rooms") as rooms:
            async with one.app_context():
                for name in ("a", "b"):
                    await channels.publish("rooms", name)
            for room in await take(rooms, 2):
                async with channels.subscribe(room.text) as messages:
                    async with channels.subscribe("rooms") as again:
                        await channels.publish(room.text, "hello")
                        assert [m.text for m in await take(messages, 1)] == ["hello"]
                        await channels.publish("rooms", "again")
                        assert [m.text for m in await take(again, 1)] == ["again"]


async def test_an_id_of_another_channel_replays_nothing_of_it(two_workers, channels):
    async with two_workers() as (one, _), one.app_context():
        other = await channels.publish("other", "secret")
        await channels.publish("news", "1")
        async with channels.subscribe("news", after=other) as messages:
            await channels.publish("news", "2")
            texts = []
            while "2" not in texts:
                texts += [m.text for m in await take(messages, 1)]
    assert texts in (["2"], ["1", "2"])


@pytest.mark.parametrize(
    "name", ["*", "news.>", "\n", "a\r\nPING", "{", "}x{", "%s", "💬", " ", "'"]
)
async def test_a_name_may_have_any_characters(name, two_workers, channels):
    async with two_workers() as (one, two), two.app_context():
        async with channels.subscribe(name) as messages, channels.subscribe("news.x") as others:
            async with one.app_context():
                first = await channels.publish(name, "1")
                await channels.publish("news.x", "other")
                await channels.publish(name, "2")
                async with channels.present(name, "ann"):
                    assert await channels.members(name) == ["ann"]
            assert [m.text for m in await take(messages, 2)] == ["1", "2"]
            assert [m.text for m in await take(others, 1)] == ["other"]
        async with channels.subscribe(name, after=first) as messages:
            assert [m.text for m in await take(messages, 1)] == ["2"]


async def test_an_engine_may_be_asked_twice_at_once_to_listen(server):
    received = []
    make = engine_class(server.url).maker(server.url, EngineOptions(prefix="twice"))
    engine = make(received.append)
    async with asyncio.timeout(5):
        await engine.open()
        running = asyncio.create_task(engine.run())
        await asyncio.gather(*(engine.listen("news") for _ in range(3)))
        await engine.publish("news", b"1")
        while not received:
            await asyncio.sleep(0.01)
        await engine.unlisten("news")
        await engine.listen("other")
        await engine.publish("news", b"2")
        await engine.publish("other", b"3")
        while received[-1].body != b"3":
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
        await engine.close()
    assert [message.body for message in received] == [b"1", b"3"]
