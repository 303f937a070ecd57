"""``python -m examples`` in a process of its own, over real sockets."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import websockets

from tests.services import free_port

PROJECT = Path(__file__).parents[2]
ACCOUNT = {"name": "Grace", "email": "grace@example.org", "password": "correct horse"}
PATIENCE = 20  # seconds, for every wait


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
async def server(port, tmp_path):
    """Start the server, yield its process, and end it in any case."""
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "examples", "--port", str(port), "--instance", str(tmp_path)],
            cwd=PROJECT,
            stdout=log,
            stderr=log,
        )
    try:
        await answers(port, process)
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
    assert "Traceback" not in (tmp_path / "log").read_text()


async def answers(port, process):
    async with asyncio.timeout(PATIENCE):
        while True:
            assert process.poll() is None, "the server has ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


def connect(port, name):
    url = f"ws://127.0.0.1:{port}/chat/lounge/ws?name={name}"
    return websockets.connect(url, open_timeout=PATIENCE, close_timeout=PATIENCE, proxy=None)


async def next_message(websocket):
    return json.loads(await asyncio.wait_for(websocket.recv(), PATIENCE))


async def test_blog_and_chat_are_served_by_one_app(server, port):
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(
        base_url=url, timeout=PATIENCE, follow_redirects=True, trust_env=False
    ) as client:
        assert "This is the example app of asyncflask." in (await client.get("/")).text
        assert "Welcome, Grace!" in (await client.post("/register", data=ACCOUNT)).text
        await client.post("/logout")
        assert "Hello, Grace." in (await client.post("/login", data=ACCOUNT)).text
        post = await client.post("/posts/new", data={"title": "Over the wire", "body": "<b>"})
        picture = {"picture": ("me.gif", b"GIF89a" + bytes(100_000), "image/gif")}
        assert "That is you now." in (await client.post("/profile/picture", files=picture)).text
        assert "&lt;b&gt;" in (await client.get(post.url)).text
        assert (await client.get("/api/posts")).json()["posts"][0]["title"] == "Over the wire"
        assert (
            (await client.get("/static/style.css")).headers["content-type"].startswith("text/css")
        )

    async with connect(port, "Ada") as ada, connect(port, "Bob") as bob:
        assert (await next_message(ada))["you"] == "Ada"
        assert (await next_message(ada)) == {"type": "join", "name": "Bob"}
        await bob.send('{"text": "Hello"}')
        assert (await next_message(ada))["text"] == "Hello"


async def test_the_server_ends_in_order_while_somebody_is_connected(server, port):
    async with connect(port, "Ada") as ada:
        await next_message(ada)
        server.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(server.wait, PATIENCE)

    assert status == 0
