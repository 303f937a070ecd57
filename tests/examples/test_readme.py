"""The example in the README is short, and works."""

from __future__ import annotations

import sys

import pytest

from .documents import clients_of, curl, load, sections


@pytest.fixture
def example():
    (section,) = sections("README.md")
    return section


@pytest.fixture
def app(example, tmp_path):
    yield load(example, tmp_path).app
    del sys.modules["documented_app"]


def test_it_has_twenty_lines(example):
    lines = [line for line in example.python.splitlines() if line]

    assert len(lines) <= 20


async def test_its_commands_answer_what_it_says(app, example):
    clients = clients_of(app)

    assert example.commands
    for command, output in example.commands:
        assert (await curl(clients, command)).rstrip("\n") == output.rstrip("\n"), command


async def test_its_websocket_echoes(app):
    async with app.test_client().websocket("/echo") as websocket:
        await websocket.send("hello")

        assert await websocket.receive() == "hello"
