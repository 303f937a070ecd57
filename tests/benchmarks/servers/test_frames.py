"""The cost of a message without a socket is measured on checked echoes."""

from __future__ import annotations

import pytest

from benchmarks.client import WrongAnswer
from benchmarks.servers import frames


@pytest.mark.parametrize("peer", ["raw", "asyncflask"])
def test_the_embedded_server_echoes_in_memory(peer):
    assert frames.time_embedded(peer, 200) > 0


def test_wsproto_echoes_in_memory():
    assert frames.time_wsproto(20) > 0


def test_an_app_that_does_not_echo_is_noticed(monkeypatch):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "something else"})

    monkeypatch.setattr(frames, "make", lambda name: app)

    with pytest.raises(WrongAnswer, match="did not echo"):
        frames.time_embedded("raw", 64)


def test_an_app_that_does_not_accept_is_noticed(monkeypatch):
    async def app(scope, receive, send):
        await receive()
        await receive()

    monkeypatch.setattr(frames, "make", lambda name: app)

    with pytest.raises(WrongAnswer, match="came to nothing"):
        frames.time_embedded("raw", 64)
