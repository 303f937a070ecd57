"""How an app learns early that its server stops; ``tests/wire/test_stopping.py`` has servers."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from asyncflask.concurrency.stop_signals import extended, told_to_stop
from asyncflask.concurrency.stopping import Stopping

LIFESPAN = {"type": "lifespan"}


async def test_a_server_may_say_it_in_the_lifespan_scope():
    stop, stopping = asyncio.Event(), Stopping()
    scope = extended({**LIFESPAN, "extensions": {"other": {}}}, stop.wait)

    assert scope["extensions"]["other"] == {}
    with told_to_stop(stopping, scope):
        stop.set()
        await stopping.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_reaches_the_app_and_the_handler_of_the_server(number):
    got, stopping = [], Stopping()

    def handler(number, frame):
        got.append(number)

    before = signal.signal(number, handler)
    try:
        with told_to_stop(stopping, LIFESPAN):
            signal.raise_signal(number)
            await stopping.wait()

        assert got == [number]
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_a_handler_that_the_server_sets_afterwards_stays():
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with told_to_stop(Stopping(), LIFESPAN):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("disposition", [signal.SIG_DFL, signal.SIG_IGN])
async def test_a_signal_without_a_handler_keeps_its_effect(disposition):
    before = signal.signal(signal.SIGTERM, disposition)
    try:
        with told_to_stop(Stopping(), LIFESPAN):
            assert signal.getsignal(signal.SIGTERM) is disposition
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_server_in_another_thread_is_left_alone():
    async def live():
        with told_to_stop(Stopping(), LIFESPAN):
            return "served"

    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        assert asyncio.run(asyncio.wait_for(asyncio.to_thread(asyncio.run, live()), 10)) == "served"
    finally:
        signal.signal(signal.SIGTERM, before)
