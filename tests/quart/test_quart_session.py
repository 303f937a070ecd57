"""Quart-Session, whose source distribution has no tests, keeps sessions in Redis on both."""

from __future__ import annotations

import json

import pytest

from tests.services import redis

APP = """
import asyncio, json, os
from quart import Quart, session
from quart_session import Session

app = Quart(__name__)
app.config.update(SESSION_TYPE="redis", SESSION_URI=os.environ["REDIS_URL"])
Session(app)

@app.get("/set/<value>")
async def keep(value):
    session["value"] = value
    return "kept"

@app.get("/get")
async def get():
    return session.get("value", "none")

@app.get("/clear")
async def clear():
    session.clear()
    return "cleared"

async def main():
    found = []
    async with app.test_app():
        client = app.test_client()
        for path in ("/get", "/set/tea", "/get", "/clear", "/get"):
            response = await client.get(path)
            cookies = len(response.headers.getlist("Set-Cookie"))
            found.append([path, await response.get_data(as_text=True), cookies])
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.mark.parametrize("on", ["asyncflask.quart", "quart"])
def test_a_session_is_kept_in_redis(on, python, tmp_path):
    pytest.importorskip("quart_session")
    install = f"import {on}; {on}.install()\n" if on != "quart" else ""
    server = redis(tmp_path)
    server.start()
    try:
        printed = python("-c", install + APP, REDIS_URL=server.url)
    finally:
        server.stop()

    assert json.loads(printed) == [
        ["/get", "none", 0],
        ["/set/tea", "kept", 1],
        ["/get", "tea", 0],
        ["/clear", "cleared", 1],
        ["/get", "none", 0],
    ]
