"""Pages with fragments of code: each block is run in a namespace with the names it needs.

The blocks of the other pages are whole modules (``test_reference_docs.py``). Every page is tested.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tomllib

import click
import pytest
from werkzeug.routing import BaseConverter

import asyncflask
from asyncflask import Flask, abort, g, request, session, websocket
from asyncflask.cli import routes_command
from asyncflask.sse import event_stream
from asyncflask.testing import WebsocketDisconnect

from . import test_docs, test_how_to_docs, test_reference_docs, test_services_docs, tutorial
from .documents import PROJECT, QUIET, blocks, execute, sections

TEST, CLI = "docs/how-to/test.md", "docs/reference/cli.md"
REQUEST, RESPONSE = "docs/reference/request.md", "docs/reference/response.md"
ROUTING, SESSIONS = "docs/reference/routing.md", "docs/reference/sessions.md"
WEBSOCKET, CONFIGURATION = "docs/reference/websocket.md", "docs/reference/configuration.md"

#: the sections that are tested here
TRIED = set()
#: the pages whose blocks have tests elsewhere: whole modules, and those run in their own processes
#: (``test_monitor_docs.py``, ``test_database_docs.py``, ``test_services_docs.py``,
#: ``test_how_to_docs.py``, ``test_tutorial.py``, ``tests/compat/test_async_api.py``)
ELSEWHERE = {
    *(test_docs.QUICKSTART, *tutorial.CHAPTERS, *test_reference_docs.PAGES),
    *("README.md", "docs/how-to/monitor.md", "docs/how-to/use-flask-extensions.md"),
    "docs/how-to/use-flask-sqlalchemy.md",
    *test_services_docs.PAGES,
    *test_how_to_docs.PAGES,
}


def documented(page, title=""):
    """Parametrize a test with the blocks of a section as ``codes``."""
    TRIED.add((page, title))
    return pytest.mark.parametrize("codes", [blocks(page)[title]], ids=[f"{page}: {title}"])


def test_no_block_is_left_out():
    pages = [str(path.relative_to(PROJECT)) for path in (PROJECT / "docs").rglob("*.md")]
    shown = {(page, title) for page in pages for title in blocks(page)}
    left_out = {key for key in shown - TRIED if key[0] not in ELSEWHERE}

    assert left_out == {(TEST, "On the wire")}  # test_wire_docs.py


@pytest.mark.parametrize("page", sorted(page for page in ELSEWHERE if page != "README.md"))
def test_no_section_of_the_other_pages_is_left_out(page):
    titles = {section.title for section in sections(page)}

    assert len(titles) == len(blocks(page))


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def names(app, client):
    """The names that a reader has imported or defined."""
    return {
        **{name: value for name, value in vars(asyncflask).items() if name[0] != "_"},
        "__name__": "documented",
        "app": app,
        "client": client,
        "asyncio": asyncio,
        "io": io,
        "pytest": pytest,
    }


# -- how-to/test -----------------------------------------------------------------------------------

SHOP = """
from asyncflask import Flask, abort, request, session, websocket

def create_app(config=()):
    app = Flask("shop")
    app.config.from_mapping({"SECRET_KEY": "secret", **dict(config)})

    @app.get("/")
    async def index():
        return "<h1>Shop</h1>"

    @app.post("/api/products")
    async def add():
        return {"id": 1, **(await request.get_json())}

    @app.get("/orders")
    async def orders():
        return "orders" if "user_id" in session else abort(401)

    @app.websocket("/chat")
    async def chat():
        async for message in websocket:
            await websocket.send(message)

    return app
"""


@pytest.fixture
def run_shop(tmp_path):
    """Run pytest on the page's example, in a project with its configuration and these files."""

    def run(**files):
        (example,) = blocks(TEST)["An example"]
        for name, code in {"shop": SHOP, "test_shop": example, **files}.items():
            (tmp_path / f"{name}.py").write_text(code)
        toml = (PROJECT / TEST).read_text().partition("```toml\n")[2].partition("```")[0]
        (tmp_path / "pyproject.toml").write_text(toml)
        # All other plugins take seconds to import.
        options = [*QUIET, "-W", "error", "-p", "asyncio", "-p", "pytest_asyncflask"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options],
            cwd=tmp_path,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr

    return run


@documented(TEST, "An example")
def test_the_example_passes(codes, run_shop):
    assert "4 passed" in run_shop(test_shop=codes[0])


@documented(TEST, "Fixtures")
def test_the_fixture_of_a_conftest_replaces_one(codes, run_shop):
    configured = "async def test_it(app): assert app.config['DATABASE'] == ':memory:'"

    assert "5 passed" in run_shop(conftest=codes[0], test_configured=configured)


@documented(TEST, "Requests")
async def test_a_file_is_a_tuple(codes, app, names):
    seen = {}

    @app.post("/upload")
    async def upload():
        image = (await request.files)["image"]
        seen[image.filename] = image.read()
        return ""

    await execute(*codes, names)

    assert seen == {"cat.png": b"..."}


@documented(TEST, "Errors")
async def test_an_error_is_raised_by_the_request(codes, app, names):
    app.testing = True

    @app.get("/orders/<int:id>")
    async def order(id):
        raise PermissionError("not yours")

    await execute(*codes, names)


@documented(TEST, "Look at `session`, `g` or `request` afterwards")
async def test_the_context_can_be_looked_at(codes, app, names):
    @app.post("/login")
    async def login():
        session["user_id"] = 1
        g.user = type("User", (), {"name": (await request.form)["name"]})
        return ""

    await execute(*codes, names)


@documented(TEST, "Streamed responses and uploads, step by step")
async def test_an_event_stream_is_read_step_by_step(codes, app, names):
    @app.get("/events")
    async def events():
        async def endless():
            yield "first"
            await asyncio.sleep(60)

        return event_stream(endless())

    await execute(*codes, names)


@documented(TEST, "Websockets")
async def test_a_refusal_and_a_close_are_seen(codes, app, names):
    @app.websocket("/chat")
    async def chat():
        if not websocket.requested_subprotocols:
            abort(401)
        await websocket.accept(subprotocol="v2")
        assert await websocket.receive_json() == {"say": "bye"}

    await execute(*codes, names)


@documented(TEST, "Commands")
def test_a_command_is_invoked(codes, app):
    @app.cli.command("init-db")
    def init_db():
        click.echo("Initialized the database.")

    names = {"create_app": lambda: app}
    exec(*codes, names)
    names["test_the_database_is_created"]()


# -- reference/cli ---------------------------------------------------------------------------------


@documented(CLI, "Custom commands")
def test_a_command_of_ones_own_greets(codes):
    names = {"__name__": "documented"}
    for code in codes:
        exec(code, names)

    names["test_greet"](names["app"])


def test_the_routes_are_listed_as_shown():
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/edit/<int:id>", "edit", lambda id: "", methods=["GET", "POST"])
    app.add_websocket("/chat", "chat", lambda: None)
    shown = (PROJECT / CLI).read_text().partition("## `routes`\n\n```\n")[2].partition("```")[0]

    result = app.test_cli_runner().invoke(routes_command)

    assert result.output.splitlines() == shown.splitlines()


# -- reference/request -----------------------------------------------------------------------------


@documented(REQUEST)
async def test_both_views_greet(codes, client, names):
    await execute(*codes, names)

    for path in ("/greet", "/greet-sync"):
        assert (await client.post(path, data={"name": "Ada"})).text == "Hello Ada"


@documented(REQUEST, "Uploads")
async def test_an_upload_is_saved(codes, client, names, tmp_path):
    names["UPLOADS"] = tmp_path
    await execute(*codes, names)

    response = await client.post("/upload", data={"photo": (io.BytesIO(b"1"), "../a.png")})

    assert response.status_code == 204
    assert (tmp_path / "a.png").read_bytes() == b"1"


# -- reference/response ----------------------------------------------------------------------------


@documented(RESPONSE)
async def test_a_response_is_made(codes, client, names):
    await execute(*codes, names)

    response = await client.get("/")

    assert (response.status_code, response.text) == (202, "hello")
    assert "Partitioned" in response.headers["Set-Cookie"]


@documented(RESPONSE, "Reading a body")
async def test_a_body_is_read(codes, app, names):
    async def pieces():
        yield "one"
        yield "two"

    names["response"] = response = app.response_class(pieces())
    with pytest.raises(RuntimeError, match="await"):
        response.get_data()
    async with app.app_context():
        await execute(*codes, names)

    assert names["data"] == b"onetwo"


@documented(RESPONSE, "Server-sent events")
async def test_events_are_sent(codes, client, names):
    await execute(*codes, names)

    async with client.request("/ticks") as connection:
        assert await connection.receive() == b"event: tick\nid: 0\ndata: 0\n\n"


# -- reference/routing -----------------------------------------------------------------------------


@documented(ROUTING, "Rules")
async def test_rules_are_added(codes, app, names):
    await execute(*codes, names)

    rules = {rule.endpoint: (rule.rule, rule.websocket) for rule in app.url_map.iter_rules()}
    assert rules["index"] == ("/", False)
    assert rules["post"] == ("/post/<int:post_id>", False)
    assert rules["live"] == ("/live/<room>", True)


@documented(ROUTING, "Converters")
async def test_a_converter_of_ones_own_is_used(codes, app, client, names):
    names["BaseConverter"] = BaseConverter
    await execute(*codes, names)

    @app.get("/tags/<list:tags>")
    async def show(tags):
        return {"tags": tags, "url": asyncflask.url_for("show", tags=["a b", "c"])}

    assert (await client.get("/tags/x+y")).json == {"tags": ["x", "y"], "url": "/tags/a%20b+c"}


# -- reference/sessions ----------------------------------------------------------------------------


@documented(SESSIONS)
async def test_a_login_is_remembered(codes, names, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    await execute(*codes, names)
    app = names["app"]
    app.get("/")(lambda: session["user"])
    app.add_url_rule("/index", "index", lambda: session["user"])
    client = app.test_client()

    await client.post("/login", data={"user": "Ada"})

    assert (await client.get("/index")).text == "Ada"


@documented(SESSIONS, "Changing the key")
async def test_the_old_key_still_verifies(codes, app, client, names):
    names |= {"old": app.secret_key, "new": "another"}
    app.get("/<value>")(lambda value: session.setdefault("value", value))
    await client.get("/kept")

    await execute(*codes, names)

    assert (await client.get("/other")).text == "kept"


@documented(SESSIONS, "Another store")
async def test_another_store_is_asked(codes, app, client, names):
    await execute(*codes, names)
    store = {}

    async def open_session(self, app, request):
        return names["Session"](store)

    async def save_session(self, app, session, response):
        store.update(session)

    names["RedisSessions"].open_session = open_session
    names["RedisSessions"].save_session = save_session
    app.get("/<value>")(lambda value: session.setdefault("value", value))

    assert [(await client.get(path)).text for path in ("/kept", "/other")] == ["kept", "kept"]


# -- reference/websocket ---------------------------------------------------------------------------


@documented(WEBSOCKET)
async def test_a_websocket_echoes(codes, names):
    await execute(*codes, names)

    async with names["app"].test_client().websocket("/echo") as connection:
        await connection.send("hello")
        assert await connection.receive() == "hello"


@documented(WEBSOCKET, "How a websocket ends")
async def test_a_chat_sends_and_receives(codes, client, names):
    published, subscribed, mine = [], [], asyncio.Queue()

    async def receive_and_publish():
        async for message in websocket:
            published.append(message)

    def subscribe():
        subscribed.append(mine)
        return mine

    names |= {"receive_and_publish": receive_and_publish, "subscribe": subscribe}
    names["unsubscribe"] = subscribed.remove
    for code in codes:
        await execute(code, names)

    async with client.websocket("/chat") as connection:
        await connection.send("mine")
        mine.put_nowait("theirs")
        assert await connection.receive() == "theirs"
        assert subscribed == [mine]
    assert published == ["mine"]
    assert subscribed == []


@documented(WEBSOCKET, "Refusing")
async def test_a_websocket_is_refused(codes, app, client, names):
    await execute(*codes, names)

    @app.websocket("/chat")
    async def chat():
        await websocket.accept()

    with pytest.raises(asyncflask.testing.WebsocketResponseError, match="401") as refusal:
        async with client.websocket("/chat"):
            pass
    assert refusal.value.response.json == {"error": "Log in first."}
    with client.session_transaction() as saved:
        saved["user_id"] = 1
    async with client.websocket("/chat") as connection:
        with pytest.raises(WebsocketDisconnect, match="1000"):
            await connection.receive()


# -- reference/configuration -----------------------------------------------------------------------


@documented(CONFIGURATION)
async def test_each_loader_loads(codes, names, tmp_path, monkeypatch):
    (tmp_path / "yourapp").mkdir()
    (tmp_path / "yourapp" / "__init__.py").touch()
    (tmp_path / "yourapp" / "defaults.py").write_text("A = 1")
    (tmp_path / "settings.py").write_text("B = 2")
    (tmp_path / "settings.toml").write_text("C = 3")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("YOURAPP_SETTINGS", str(tmp_path / "settings.py"))
    monkeypatch.setenv("FLASK_DB__HOST", "here")
    app = names["app"] = Flask("shop", root_path=str(tmp_path))
    names["tomllib"] = tomllib

    await execute(*codes, names)

    assert [app.config[key] for key in "ABC"] == [1, 2, 3]
    assert app.config["DB"] == {"HOST": "here"}
    assert app.config["MAX_CONTENT_LENGTH"] == 16 * 1024 * 1024
