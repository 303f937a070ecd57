"""Which engine a URL names, and what an engine of another distribution needs."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from asyncflask import Flask
from asyncflask.channels import Channels, Position
from asyncflask.channels.engine import engine_class
from tests.conftest import run_python


@pytest.fixture
def app():
    """An app."""
    return Flask("tea", root_path=".")


@pytest.fixture
def channels(app):
    """The app's channels, in memory."""
    return Channels(app)


def test_an_engine_whose_client_library_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncflask.channels.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(ModuleNotFoundError, match=r'`pip install "asyncflask\[redis\]"`'):
        engine_class("redis://127.0.0.1/0")


def test_another_distribution_may_have_an_engine(tmp_path):
    """It is found by its entry point, as pip writes it."""
    metadata = tmp_path / "tea_engine-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tea-engine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[asyncflask.channels]\ntea = tea_engine:Tea\n")
    (tmp_path / "tea_engine.py").write_text(
        "from asyncflask.channels.memory import MemoryEngine\n\n\n"
        "class Tea(MemoryEngine):\n    pass\n"
    )
    code = "from asyncflask.channels.engine import engine_class\nprint(engine_class('tea://pot'))"

    assert run_python(tmp_path, "CHANNELS", "-c", code) == "<class 'tea_engine.Tea'>"


def test_a_scheme_of_no_engine_is_named_without_the_password():
    with pytest.raises(ValueError, match=r"'coffee://user:\*\*\*@pot'.*entry point"):
        engine_class("coffee://user:secret@pot")


def test_engines_of_two_loops_hand_messages_to_each_other():
    """Two servers in the threads of one process, such as those of a test."""
    channels = Channels()
    app = Flask("tea", root_path=".")
    channels.init_app(app)
    subscribed, received = threading.Event(), []

    async def subscribe():
        async with app.app_context(), channels.subscribe("tea") as messages:
            subscribed.set()
            async for message in messages:
                received.append(message.text)
                break
        await app.shutdown()

    async def publish():
        async with app.app_context():
            await channels.publish("tea", "hot")
        await app.shutdown()

    listener = threading.Thread(target=asyncio.run, args=(subscribe(),))
    listener.start()
    assert subscribed.wait(10)
    asyncio.run(publish())
    listener.join(10)

    assert received == ["hot"]


async def test_messages_of_other_threads_and_of_the_loop_arrive_all_and_in_order(app, channels):
    app.config["CHANNELS_MAILBOX"] = 1000

    def publish():
        with app.app_context():
            for _ in range(100):
                channels.publish("tea", "hot")

    async with app.test_app(), app.app_context(), channels.subscribe("tea") as messages:
        threads = [threading.Thread(target=publish) for _ in range(3)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            await channels.publish("tea", "cold")
            await asyncio.sleep(0.001)
        last = await channels.publish("tea", "end")
        ids = []
        async with asyncio.timeout(10):
            while not ids or ids[-1] != last:
                ids.append((await anext(messages)).id)
    numbers = [Position.parse(one).offset for one in ids]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1/tea", "nats://127.0.0.1"])
@pytest.mark.parametrize("prefix", ["", "a.b", "a b", "ä", "a*", "x\n"])
async def test_a_prefix_that_the_engine_cannot_take_is_refused(url, prefix, app, channels):
    app.config.update(CHANNELS_URL=url, CHANNELS_PREFIX=prefix)
    async with app.app_context():
        with pytest.raises(ValueError, match=r"CHANNELS_PREFIX=.* begins the names of .* Write"):
            await channels.publish("tea", "")
