"""The list of signals. The tests of ``dispatch`` and others check when each is sent."""

from __future__ import annotations

import blinker
import flask.signals
import pytest

import asyncflask
from asyncflask import Flask, signals, websocket

FLASK = [name for name, value in vars(flask.signals).items() if isinstance(value, blinker.Signal)]
OURS = [name for name, value in vars(signals).items() if isinstance(value, blinker.Signal)]
QUART = [
    "websocket_started",
    "websocket_finished",
    "websocket_received",
    "websocket_sent",
    "websocket_tearing_down",
    "got_websocket_exception",
    "got_background_exception",
    "got_serving_exception",
]


def test_they_are_those_of_flask_and_quart():
    assert sorted(OURS) == sorted(FLASK + QUART)


@pytest.mark.parametrize("name", OURS)
def test_a_signal_is_named_like_its_variable_and_exported(name):
    signal = getattr(signals, name)

    assert signal.name == name.replace("_", "-")
    assert getattr(asyncflask, name) is signal


@pytest.mark.parametrize("name", FLASK)
def test_a_signal_is_not_the_one_of_an_installed_flask(name):
    """Flask's signals are sent by Flask's apps, asyncflask's by asyncflask's."""
    assert getattr(signals, name) is not getattr(flask.signals, name)


async def test_a_receiver_is_called_only_for_the_app_it_names():
    heard = []
    one, other = Flask("one"), Flask("other")
    for app in (one, other):
        app.get("/")(lambda: "x")

    with signals.request_started.connected_to(lambda sender: heard.append(sender), one):
        for app in (one, other):
            await app.test_client().get("/")

    assert heard == [one]


async def test_a_receiver_is_disconnected_with_its_last_reference():
    heard = []
    app = Flask("app")
    app.get("/")(lambda: "x")

    def connect():
        def receiver(sender):
            heard.append(sender)

        signals.request_started.connect(receiver, app)

    connect()
    await app.test_client().get("/")

    assert heard == []


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_websocket_signals_are_sent_in_order(keyword):
    heard = []
    app = Flask("app")
    app.testing = True

    @app.websocket("/<way>")
    async def ws(way):
        await websocket.accept()
        if way == "fail":
            raise ValueError(way)

    def receiver_of(name):
        def receiver(sender, **kwargs):
            heard.append((name, sorted(kwargs)))

        async def async_receiver(sender, **kwargs):
            receiver(sender, **kwargs)

        return async_receiver if keyword == "async" else receiver

    names = [name for name in QUART if "websocket" in name]
    receivers = {name: receiver_of(name) for name in names}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, app)
    async with app.test_client().websocket("/fine"):
        pass
    fine, heard[:] = list(heard), []
    with pytest.raises(ValueError, match="fail"):
        async with app.test_client().websocket("/fail"):
            pass

    assert [name for name, _ in fine] == [
        "websocket_started",
        "websocket_finished",
        "websocket_tearing_down",
    ]
    assert ("got_websocket_exception", ["exception"]) in heard
    assert heard[-1] == ("websocket_tearing_down", ["exc"])
