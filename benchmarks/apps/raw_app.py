"""No framework: each response is written for ASGI, with the standard library if possible.

This is the lower limit: only the work itself. The app does no routing, checks nothing and handles
no error, so it is not fit for production.
"""

from __future__ import annotations

import asyncio
import json
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl

import jinja2
from itsdangerous import URLSafeTimedSerializer

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROWS

TEXT = (b"content-type", b"text/plain; charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
JSON = (b"content-type", b"application/json")


async def respond(send, body, content_type=TEXT, status=200, headers=()):
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [content_type, length, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def read(receive):
    chunks = []
    while True:
        message = await receive()
        chunks.append(message["body"])
        if not message["more_body"]:
            return b"".join(chunks)


def header(scope, name):
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def plaintext():
    async def app(scope, receive, send):
        await respond(send, b"Hello, World!")

    return app


def json_object():
    async def app(scope, receive, send):
        await respond(send, json.dumps(OBJECT).encode(), JSON)

    return app


def path():
    async def app(scope, receive, send):
        parts = scope["path"].split("/")
        name, number = parts[2], int(parts[-1])
        await respond(send, f"{name} has {number}".encode())

    return app


def inputs():
    async def app(scope, receive, send):
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        theme = SimpleCookie(header(scope, b"cookie"))["theme"].value
        identity = header(scope, b"x-request-id")
        text = f"{query['q']} {int(query['page'])} {identity} {theme}"
        await respond(send, text.encode())

    return app


def json_post():
    async def app(scope, receive, send):
        items = json.loads(await read(receive))["items"]
        answer = {"count": len(items), "last": items[-1]["name"]}
        await respond(send, json.dumps(answer).encode(), JSON)

    return app


def form():
    async def app(scope, receive, send):
        fields = dict(parse_qsl((await read(receive)).decode()))
        text = f"{len(fields)} {fields['field_0']} {fields['field_9']}"
        await respond(send, text.encode())

    return app


def multipart():
    """Find the parts in the whole body; a streaming parser would be part of a framework."""

    async def app(scope, receive, send):
        boundary = header(scope, b"content-type").partition("boundary=")[2].encode()
        parts = {}
        for part in (b"\r\n" + await read(receive)).split(b"\r\n--" + boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            given = dict(pair.split(b"=") for pair in head.split(b"\r\n")[1].split(b"; ")[1:])
            name, file = (
                given.get(key, b"").strip(b'"').decode() for key in (b"name", b"filename")
            )
            parts[name] = file, content
        name, data = parts["file"]
        text = f"{parts['title'][1].decode()} {name} {len(data)} {data[-4:].hex()}"
        await respond(send, text.encode())

    return app


def template():
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    page = jinja2.Environment(loader=loader, autoescape=True).get_template("rows.html")

    async def app(scope, receive, send):
        await respond(send, page.render(title="Rows", rows=ROWS).encode(), HTML)

    return app


def signed_session():
    serializer = URLSafeTimedSerializer("benchmark")

    async def app(scope, receive, send):
        session = {}
        cookie = header(scope, b"cookie")
        if cookie:
            session = serializer.loads(SimpleCookie(cookie)["session"].value, max_age=86400)
        session["visits"] = session.get("visits", 0) + 1
        value = f"session={serializer.dumps(session)}; HttpOnly; Path=/".encode()
        headers = [(b"set-cookie", value), (b"vary", b"Cookie")]
        await respond(send, f"visit {session['visits']}".encode(), headers=headers)

    return app


def hooks():
    headers = [(f"x-{name}".encode(), b"done") for name in NAMES]

    async def app(scope, receive, send):
        state = {name: name for name in NAMES}
        await respond(send, " ".join(state.values()).encode(), headers=headers)

    return app


def stream():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
        for _ in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def not_found():
    async def app(scope, receive, send):
        await respond(send, b"Not Found", status=404)

    return app


class TeapotError(Exception):
    """What ``error`` raises."""


def error():
    async def brew():
        raise TeapotError("no coffee")

    async def app(scope, receive, send):
        try:
            await brew()
        except TeapotError as error:
            await respond(send, f"TeapotError: {error}".encode(), status=418)

    return app


def echo():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": message["text"]})

    return app


def one_hop():
    """Answer after one hop to a thread and back, which each `def` view costs on a loop."""

    async def app(scope, receive, send):
        hop = asyncio.get_running_loop().run_in_executor(None, lambda: b"Hello, World!")
        await respond(send, await hop)

    return app


APPS = {
    "plaintext": plaintext,
    "json": json_object,
    "path": path,
    "one_route": path,
    "routes": path,
    "inputs": inputs,
    "json_post": json_post,
    "form": form,
    "multipart": multipart,
    "template": template,
    "session": signed_session,
    "hooks": hooks,
    "stream": stream,
    "def_view": one_hop,
    "not_found": not_found,
    "error": error,
    "websocket": echo,
}
