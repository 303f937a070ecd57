"""Which engine a URL names, and what an engine of another distribution needs."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from asyncflask import Flask
from asyncflask.channels import Channels
from asyncflask.channels.engine import engine_class
from tests.conftest import run_python


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
