"""The example dashboard: its stream of server-sent events, from start to stop."""

from __future__ import annotations

import asyncio
import json

import pytest

from examples.dashboard import create_app

PATIENCE = 20  # seconds, for every wait


@pytest.fixture
def config():
    return {"INTERVAL": 0.02}


@pytest.fixture
async def app(config):
    app = create_app(config)
    async with app.test_app():
        yield app


async def next_event(connection):
    """Return the fields of the next event that has any."""
    async with asyncio.timeout(PATIENCE):
        piece = (await connection.receive()).decode()
    return dict(line.split(": ", 1) for line in piece.splitlines() if ": " in line)


def stream(app, last=None):
    headers = {} if last is None else {"Last-Event-ID": last}
    return app.test_client().request("/events", headers=headers)


async def test_each_sample_has_all_metrics_and_an_id(app):
    async with stream(app) as connection:
        assert await next_event(connection) == {"retry": "1000"}
        event = await next_event(connection)
        await connection.disconnect()

    sample = json.loads(event["data"])
    assert event["event"] == "sample"
    assert event["id"] == str(sample["time"])
    assert set(sample) == {"time", "cpu", "delay", "requests", "pages"}


async def test_a_page_that_comes_back_gets_what_it_has_missed_and_nothing_twice(app):
    async with stream(app) as connection:
        await next_event(connection)
        first, second, third = [(await next_event(connection))["id"] for _ in range(3)]
        await connection.disconnect()
    async with stream(app, last=first) as connection:
        await next_event(connection)
        again = [(await next_event(connection))["id"] for _ in range(2)]
        await connection.disconnect()

    assert again == [second, third]


async def test_requests_and_open_pages_are_counted(app):
    async with stream(app) as connection:
        await next_event(connection)
        for _ in range(5):
            await app.test_client().post("/work")
        requests = pages = 0
        while not requests or not pages:
            sample = json.loads((await next_event(connection))["data"])
            requests, pages = max(requests, sample["requests"]), sample["pages"]
        await connection.disconnect()

    assert (requests > 0, pages) == (True, 1)


async def test_a_page_that_was_closed_is_counted_no_more(app):
    async with stream(app) as gone:
        await next_event(gone)
        await gone.disconnect()
    async with stream(app) as connection:
        await next_event(connection)
        pages = 0
        while pages != 1:  # Both of them, until the first stream is closed.
            pages = json.loads((await next_event(connection))["data"])["pages"]
        await connection.disconnect()

    assert pages == 1


async def test_the_stream_ends_when_the_server_stops(app):
    async with stream(app) as connection:
        await next_event(connection)
        app.stopping.set()
        async with asyncio.timeout(PATIENCE):
            response = await connection.as_response()

    assert response.status_code == 200
    assert response.text.endswith("retry: 1000\n\n")


@pytest.mark.parametrize("config", [{"INTERVAL": 600, "HEARTBEAT": 0.02}])
async def test_a_comment_is_sent_while_there_is_nothing_else(app):
    async with stream(app) as connection:
        await next_event(connection)
        async with asyncio.timeout(PATIENCE):
            pieces = [await connection.receive() for _ in range(2)]
        await connection.disconnect()

    assert pieces == [b":\n\n"] * 2
