"""The facade app that ``test_facade.py`` serves, as one object, with WSGI and ASGI servers."""

from __future__ import annotations

import asyncio
import hashlib
import threading

import asyncflask
from asyncflask.flask import Flask, Response, g, request, session

app = Flask(__name__)
app.secret_key = "only for these tests"


@app.before_request
def before():
    g.thread = threading.get_ident()


@app.get("/def/<name>")
def plain(name):
    return {"name": name, "args": request.args, "url": request.url, "thread": on_its_thread()}


def on_its_thread():
    return g.thread == threading.get_ident()


@app.get("/async/<name>")
async def asynchronous(name):
    await asyncio.sleep(0)
    return {"name": name, "args": request.args, "url": request.url, "thread": on_its_thread()}


@app.post("/upload/def")
def upload():
    return described()


@app.post("/upload/async")
async def upload_async():
    return described()


def described():
    """Read the form synchronously, in sync and async views."""
    content = request.files["file"].read()
    return {"title": request.form["title"], "sum": hashlib.sha256(content).hexdigest()}


@app.get("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.get("/stream")
def stream():
    def pieces():
        for piece in ("one ", "two ", "three"):
            yield piece + ("" if on_its_thread_of(thread) else "!")

    thread = threading.get_ident()
    return Response(pieces())


def on_its_thread_of(thread):
    return thread == threading.get_ident()


@app.get("/fail")
def fail():
    raise RuntimeError("meant to fail")


@app.get("/exit")
def leave():
    raise SystemExit("of a view")


blueprint = asyncflask.Blueprint("other", __name__)


@blueprint.post("/awaited")
async def awaited():
    return (await asyncflask.request.form).to_dict(flat=False)


@blueprint.websocket("/echo")
async def echo():
    async for message in asyncflask.websocket:
        await asyncflask.websocket.send(message)


app.register_blueprint(blueprint)


@app.get("/broken")
def broken():
    def pieces():
        raise LookupError("before the first piece")
        yield ""

    return pieces()
