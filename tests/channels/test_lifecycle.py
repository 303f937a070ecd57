"""Channels begin and end with their app and with the loops that use them."""

from __future__ import annotations

import asyncio

import pytest

from asyncflask import Flask
from asyncflask.channels import Channels
from asyncflask.quart import Quart
from tests.conftest import run_python


@pytest.fixture
def app():
    """An app with its channels in memory."""
    return Flask("tea", root_path=".")


@pytest.fixture
def channels(app):
    """The app's channels."""
    return Channels(app)


def test_members_in_memory_end_with_the_app_that_had_them(app, channels):
    async def run():
        inside = asyncio.Event()

        async def use_room():
            async with app.app_context(), channels.present("room", "ann"):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(use_room())
        await inside.wait()
        await app.shutdown()
        async with app.app_context():
            members = await channels.members("room")
        await app.shutdown()
        task.cancel()
        return members

    assert asyncio.run(run()) == []


#: A loop that ends without a word to its tasks, and another one that goes on.
SUDDEN = """
import asyncio
import time
from asyncflask import Flask
from asyncflask.channels import Channels, Position

app = Flask("tea")
app.config["CHANNELS_PRESENCE"] = 1
channels = Channels(app)

async def use_room(inside):
    async with app.app_context(), channels.present("room", "ann"), channels.subscribe("tea"):
        inside.set()
        await asyncio.Event().wait()

inside = asyncio.Event()
loop = asyncio.new_event_loop()
task = loop.create_task(use_room(inside))
loop.run_until_complete(inside.wait())
loop.close()
with app.app_context():
    print(channels.members("room"))
    channels.publish("tea", "hot")
    time.sleep(1.2)
    print(channels.members("room"))
"""


def test_members_in_memory_end_in_time_when_their_loop_ended_suddenly(tmp_path):
    assert run_python(tmp_path, "CHANNELS", "-c", SUDDEN).split() == ["['ann']", "[]"]


def test_a_command_is_told_whether_the_engine_can_be_reached_at_its_first_question(app, channels):
    with app.app_context():
        assert channels.connected


@pytest.mark.parametrize("kind", [Flask, Quart])
async def test_functions_after_serving_may_publish_and_leave_no_connection(kind, servers):
    app = kind("app")
    app.config.update(CHANNELS_URL=servers("redis").url, CHANNELS_PREFIX="serving")
    channels = Channels(app)

    @app.after_serving
    async def publish():
        await channels.publish("news", "async")

    @app.after_serving
    def publish_from_thread():
        channels.publish("news", "def")

    for _ in range(2):
        async with app.test_app(), app.app_context():
            first = await channels.publish("news", "first")
        async with app.app_context(), channels.subscribe("news", after=first) as messages:
            assert [(await anext(messages)).text for _ in range(2)] == ["async", "def"]
        await app.shutdown()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "channels"]
