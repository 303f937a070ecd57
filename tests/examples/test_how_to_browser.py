"""The parts of the how-to pages that run in a browser, in a real one, over the embedded server."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from contextlib import asynccontextmanager

import pytest

from asyncflask import Flask
from asyncflask.server import listen, serve
from tests.debug.browser import Browser, find

from .test_how_to_docs import write

# In CI a missing browser is a failure: .ci/run installs one.
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        find() is None and "ASYNCFLASK_CI" not in os.environ, reason="no Chromium is installed"
    ),
]

#: keeps the page's websockets, so that a test can close one
KEEP_SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(url) { super(url); sockets.push(this); }
    };
"""


@pytest.fixture
async def browser(tmp_path_factory):
    async with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@asynccontextmanager
async def served(app):
    listener = listen("127.0.0.1", 0)
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(app, [listener], stop=stop, ready=ready.set))
    await ready.wait()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await serving


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that writes a page's files, and imports the module of its app."""

    def load(page, name):
        write(f"docs/how-to/{page}.md", tmp_path)
        spec = importlib.util.spec_from_file_location(f"how_to_{name}", tmp_path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # Flask(__name__) reads it.
        spec.loader.exec_module(module)
        return module

    return load


async def test_an_upload_shows_its_progress(browser, load):
    module = load("uploads", "uploads")
    async with served(module.app) as url:
        await browser.open(url)
        await browser.look("""{
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(3000000)], "tea.mp4"));
            document.forms[0].file.files = data.files;
            document.forms[0].requestSubmit();
        }""")
        await browser.until("document.querySelector('progress').value === 1")
        # The answer comes after the last byte was sent.
        await browser.until("document.forms[0].told.value.endsWith('-tea.mp4 is saved.')")

    (saved,) = module.UPLOADS.glob("*-tea.mp4")
    assert saved.stat().st_size == 3_000_000


async def test_a_websocket_connects_again_and_misses_nothing(browser, load):
    module = load("use-websockets", "rooms")
    app = module.app

    @app.get("/")
    async def index():
        return '<script src="/static/rooms.js"></script>'

    async with served(app) as url, app.app_context():
        app.config["ORIGINS"] = [url]
        await browser.open(url)
        await browser.look(KEEP_SOCKETS)
        await browser.look("""
            window.shown = [];
            fetch("/login", { method: "POST", body: new URLSearchParams({ name: "Ada" }) })
                .then(() => { window.room = connect("/rooms/tea", (m) => shown.push(m.text)); });
        """)
        await browser.until("window.sockets[0]?.readyState === 1")
        await browser.look("room.send('one')")
        await browser.until("shown.length === 1")
        await browser.look("sockets[0].close()")
        await browser.until("sockets[0].readyState === 3")
        await module.channels.publish("room:tea", {"type": "said", "by": "Bob", "text": "two"})
        await browser.until("shown.length === 2")
        await browser.look("room.send('three')")
        await browser.until("shown.length === 3")

        assert json.loads(await browser.look("JSON.stringify(shown)")) == ["one", "two", "three"]


@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_browser_keeps_to_the_headers_of_cors(browser, load, is_listed):
    module = load("cors", "api")
    shop = Flask("shop")
    shop.add_url_rule("/", "index", lambda: "Shop")
    async with served(module.app) as api, served(shop) as url:
        module.app.asgi_app.allow_origins = [url] if is_listed else []
        await browser.open(url)
        await browser.look(f"""
            window.answers = [];
            const headers = {{ Authorization: "Bearer secret" }};
            fetch("{api}/teas", {{ headers }})
                .then((response) => response.json().then((teas) => [response, teas]))
                .then(([response, teas]) => answers.push(response.headers.get("X-Total"), teas[0]))
                .then(() => fetch("{api}/teas/Assam", {{ method: "DELETE", headers }}))
                .then((response) => answers.push(response.status))
                .catch((error) => answers.push(error.message))
                .finally(() => answers.push("end"));
        """)
        await browser.until("answers.at(-1) === 'end'")
        answers = json.loads(await browser.look("JSON.stringify(answers)"))

    assert answers == (["2", "Assam", 204, "end"] if is_listed else ["Failed to fetch", "end"])
