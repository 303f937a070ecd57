"""The app of a server, by its name."""

from __future__ import annotations

import json

import pytest

from benchmarks.client import Client
from benchmarks.servers import starts
from benchmarks.servers.apps import APPS, HELD, make
from benchmarks.workloads import WORKLOADS


async def call(app, path):
    messages = []

    async def send(message):
        messages.append(message)

    await app({"type": "http", "path": path}, None, send)
    return messages


@pytest.mark.parametrize("name", ["raw:plaintext", "asyncflask:plaintext", "raw:plaintext:held"])
async def test_an_app_answers_its_workload(name):
    await Client(make(name), WORKLOADS["plaintext"]).check()


async def test_an_app_says_what_its_process_holds_when_it_is_asked():
    start, body = await call(make("raw:plaintext:held"), HELD)

    assert start["status"] == 200
    assert json.loads(body["body"])["blocks"] > 10_000


async def test_an_app_that_is_not_to_be_asked_is_the_frameworks_own():
    _, body = await call(make("raw:plaintext"), HELD)

    assert body["body"] == b"Hello, World!"


def test_an_unknown_app_is_refused():
    with pytest.raises(KeyError, match="nobody"):
        make("nobody:plaintext")


def test_each_app_behind_a_server_is_known():
    assert {app for server in starts.SERVERS.values() for app in server.apps} <= APPS.keys()
