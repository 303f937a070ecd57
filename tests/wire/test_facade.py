"""One facade app, served over loopback by gunicorn (WSGI) and by ASGI servers."""

from __future__ import annotations

import asyncio
import hashlib
import os

import httpx
import pytest

from .test_servers import OPTIONS, PATIENCE, connect, pytestmark, running

__all__ = ["pytestmark"]  # POSIX only

SERVERS = {
    "gunicorn": "-m gunicorn --worker-class sync --bind 127.0.0.1:{port} served_facade:app",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} asgi:served_facade:app",
    "granian": "-m granian --interface asgi --port {port} served_facade:app",
    "uvicorn": "-m uvicorn --interface asgi3 --port {port} --lifespan on served_facade:app",
}
ASGI = {"hypercorn", "granian", "uvicorn"}


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with running(SERVERS[request.param], folder) as server:
        server.name = request.param
        yield server


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url, **OPTIONS) as client:
        yield client


@pytest.mark.parametrize("keyword", ["def", "async"])
def test_a_request_arrives_as_it_was_sent(server, client, keyword):
    path = f"/{keyword}/gr%C3%BC%C3%9Fe%20x?a=1%262&b="
    answer = client.get(path).json()

    in_place = keyword == "def" or server.name not in ASGI
    assert answer == {
        "name": "grüße x",
        "args": {"a": "1&2", "b": ""},
        "url": f"{server.url}{path.replace('%C3%BC%C3%9F', 'üß')}",
        "thread": in_place,
    }


@pytest.mark.parametrize("keyword", ["def", "async"])
def test_an_upload_is_read_synchronously_in_sync_and_async_views(client, keyword):
    content = os.urandom(2_000_000)
    answer = client.post(
        f"/upload/{keyword}", data={"title": "ü"}, files={"file": ("a.bin", content)}
    )

    assert answer.json() == {"title": "ü", "sum": hashlib.sha256(content).hexdigest()}


def test_the_session_is_kept(client):
    assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]


def test_a_stream_is_iterated_on_the_thread_of_its_view(client):
    assert client.get("/stream").text == "one two three"


def test_a_blueprint_of_the_async_api_awaits_its_form(client):
    answer = client.post("/awaited", data={"a": ["1", "2"]})

    assert answer.json() == {"a": ["1", "2"]}


def test_errors_are_answered(client):
    assert client.get("/nowhere").status_code == 404
    assert client.get("/fail").status_code == 500


def test_a_body_that_fails_before_its_first_piece_is_a_500(client):
    assert client.get("/broken").status_code == 500


async def test_websockets_work_on_an_asgi_server(server):
    if server.name not in ASGI:
        pytest.skip("WSGI has no websockets")
    async with connect(server, "/echo") as websocket:
        await websocket.send("hello")

        assert await asyncio.wait_for(websocket.recv(), PATIENCE) == "hello"


def test_a_view_that_exits_does_not_end_an_asgi_server(server, client):
    if server.name not in ASGI:
        pytest.skip("a view may end gunicorn's worker")
    assert client.get("/exit").status_code == 500
    assert client.get("/count").text == "1"
