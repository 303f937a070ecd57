"""Settings: which are refused at the start; workers with other settings share a server."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask import Blueprint, Flask
from asyncflask.channels import Channels
from asyncflask.flask import Flask as FacadeFlask


async def members_of(app, channels):
    """Return who is in the room, as an app sees it."""
    async with app.app_context():
        return await channels.members("room")


@pytest.mark.parametrize("seconds", [(2, 4), (4, 2)])
async def test_another_presence_may_be_configured_later(seconds, make_app, channels):
    for presence in (*seconds, seconds[0]):
        app = make_app(CHANNELS_PRESENCE=presence, CHANNELS_TIMEOUT=3)
        async with app.test_app(), app.app_context():
            async with channels.present("room", "ann"):
                assert await channels.members("room") == ["ann"]
            assert await channels.members("room") == []


async def test_another_ttl_may_be_configured_later(make_app, channels):
    for ttl in (60, 600, 5):
        app = make_app(CHANNELS_TTL=ttl, CHANNELS_TIMEOUT=3)
        async with app.test_app(), app.app_context():
            first = await channels.publish("news", "1")
            await channels.publish("news", "2")
            async with channels.subscribe("news", after=first) as messages:
                assert (messages.complete, (await anext(messages)).text) == (True, "2")


async def test_a_worker_that_renews_more_often_does_not_end_the_others_presence(
    make_app, channels, server
):
    if server.url.startswith("nats:"):
        pytest.skip("a bucket of NATS has one time for all")
    one = make_app(CHANNELS_PRESENCE=6)
    two = one if server.url == "memory://" else make_app(CHANNELS_PRESENCE=0.6)
    async with one.test_app(), two.test_app():
        async with one.app_context(), channels.present("room", "ann"):
            async with two.app_context(), channels.present("room", "bob"):
                assert await members_of(one, channels) == ["ann", "bob"]
            for _ in range(8):
                assert await members_of(two, channels) == ["ann"]
                await asyncio.sleep(0.2)


async def missed(channels, after):
    """Return whether all messages after an id are said to be kept, and how many there are."""
    async with channels.subscribe("news", after=after) as messages:
        complete, last = messages.complete, await channels.publish("news", "last")
        number = 0
        while (await anext(messages)).id != last:
            number += 1
    return complete, number


async def test_what_a_smaller_history_has_dropped_is_not_complete(make_app, channels, server):
    """Not for the worker that has dropped it, not for one beside it, not for a later one."""
    large = make_app(CHANNELS_HISTORY=200)
    small = large if server.url == "memory://" else make_app(CHANNELS_HISTORY=3)
    async with large.test_app(), large.app_context():
        await channels.publish("other", "the oldest of all")
        after = await channels.publish("news", "first")
        async with small.test_app(), small.app_context():
            for number in range(150):
                await channels.publish("news", str(number))
            for more, app in enumerate((small, large)):
                async with app.app_context():
                    assert await missed(channels, after) in ((True, 150 + more), (False, 0))
    if small is large:
        return  # In memory, another app has other channels.
    later = make_app(CHANNELS_HISTORY=200)
    async with later.test_app(), later.app_context():
        assert await missed(channels, after) == (False, 0)
        ids = [await channels.publish("news", str(number)) for number in range(150)]
        assert await missed(channels, ids[0]) == (True, 149)


@pytest.mark.parametrize(
    ("one", "two"), [("shop", "Shop"), ("shop", "shop_channels"), ("x" * 49, "x" * 50)]
)
async def test_apps_with_two_prefixes_share_nothing(one, two, server, channels):
    apps = []
    for prefix in (one, two):
        apps.append(Flask("apps"))
        apps[-1].config.update(CHANNELS_URL=server.url, CHANNELS_PREFIX=prefix)
        channels.init_app(apps[-1])
    await share_nothing(*apps, channels)


@pytest.mark.parametrize("kind", ["redis", "valkey"])
async def test_apps_in_two_databases_of_redis_share_nothing(kind, servers, channels):
    """Redis hands messages to all databases."""
    apps = []
    for database in ("0", "1?decode_responses=true"):
        apps.append(Flask("apps"))
        url = servers(kind).url.removesuffix("0") + database
        apps[-1].config.update(CHANNELS_URL=url, CHANNELS_PREFIX="databases")
        channels.init_app(apps[-1])
    await share_nothing(*apps, channels)


async def share_nothing(one, two, channels):
    """Use a channel in two apps; see that each has its own messages and members alone."""
    async with one.test_app(), two.test_app():
        async with one.app_context():
            first = await channels.publish("news", "of one")
        async with two.app_context():
            await channels.publish("news", "of two")
        async with one.app_context(), channels.subscribe("news", after=first) as messages:
            async with two.app_context(), channels.present("room", "ann"):
                await channels.publish("news", "of two")
                assert await members_of(one, channels) == []
            await channels.publish("news", "of one")
            assert messages.complete
            assert (await anext(messages)).text == "of one"


@pytest.mark.parametrize("app", [5, "redis://h", {}, Flask, Blueprint("tea", "tea"), Channels()])
@pytest.mark.parametrize("init", [Channels, Channels().init_app], ids=["Channels", "init_app"])
def test_what_is_no_app_gets_no_channels(init, app):
    with pytest.raises(TypeError, match=rf"was given '{type(app).__name__}', and no app\. Write"):
        init(app)


def test_an_app_may_come_later_but_not_be_none():
    channels = Channels(None)
    with pytest.raises(TypeError, match=r"was given 'NoneType', and no app\. Write `Channels\(app"):
        channels.init_app(None)
    for kind in (Flask, FacadeFlask):
        app = kind("app")
        channels.init_app(app)
        assert app.config["CHANNELS_URL"] == "memory://"


@pytest.fixture
def wrong():
    """Return a function that starts an app with a wrong setting, and returns the error's text."""

    async def start(**settings):
        app = Flask("app")
        app.config.update(settings)
        Channels(app)
        with pytest.raises(ValueError, match=r"CHANNELS_.*\. Write") as caught:
            await app.startup()
        return str(caught.value)

    return start


@pytest.mark.parametrize("prefix", ["", "a b", "a.b", "ä", "x\n", "x" * 201])
@pytest.mark.parametrize("url", ["postgresql://127.0.0.1/tea", "nats://127.0.0.1"])
async def test_a_prefix_that_the_engine_cannot_take_ends_the_startup(url, prefix, wrong):
    text = await wrong(CHANNELS_URL=url, CHANNELS_PREFIX=prefix)
    assert "begins the names of" in text


@pytest.mark.parametrize("port", ["tea", "0", "65536", "-1"])
@pytest.mark.parametrize(
    "host", ["redis://h", "valkey://h", "postgresql://u:secret@h", "postgres://[::1]", "nats://h"]
)
async def test_a_port_that_is_none_ends_the_startup(host, port, wrong):
    text = await wrong(CHANNELS_URL=f"{host}:{port}/")
    assert "a port is a number from 1 to 65535" in text
    assert "secret" not in text


@pytest.mark.parametrize("url", ["nats://", "nats://one:4222,two:4222"])
async def test_nats_has_one_host(url, wrong):
    assert "it does not name one host" in await wrong(CHANNELS_URL=url)


@pytest.mark.parametrize(
    "url", ["postgresql://one:5432,two:5433/tea", "postgresql:///tea?host=/run", "postgres://[::1]"]
)
async def test_a_url_that_postgresql_knows_needs_no_server_at_the_start(url):
    app = Flask("app")
    app.config["CHANNELS_URL"] = url
    Channels(app)
    await app.startup()
    assert app.has_started
    await app.shutdown()


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:secret@[::1",
        "nats://secret@h:tea",
        "redis://u:sec/secret@h",
        "redis://h/tea?password=secret&db=1",
        "coffee://h?db=1&sslpassword=secret",
    ],
)
async def test_a_url_that_is_refused_shows_no_secret(url, wrong):
    text = await wrong(CHANNELS_URL=url)
    assert f"CHANNELS_URL='{url.partition(':')[0]}://" in text
    assert "sec" not in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CHANNELS_HISTORY", 1.5),
        ("CHANNELS_HISTORY", 2**63),
        ("CHANNELS_TTL", float("inf")),
        ("CHANNELS_PRESENCE", 10**10),
    ],
)
async def test_a_number_that_no_server_could_keep_ends_the_startup(key, value, wrong):
    text = await wrong(**{key: value})
    assert text.startswith(f"config['{key}'] is {value}. Write a ")
    assert " to 1,000,000,000, such as " in text
