"""What views return, and responses of files, ranges and conditions."""

import tempfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from quart import (
    Quart,
    Response,
    jsonify,
    make_response,
    redirect,
    request,
    send_file,
    send_from_directory,
)

from .recorded import error_of, shown

RETURNED = {
    "text": "text",
    "bytes": b"bytes",
    "dict": {"a": [1, None]},
    "list": [1, {"a": "b"}],
    "status": ("text", 201),
    "headers": ("text", {"X-A": "1"}),
    "all": ("text", 202, {"X-A": "1", "Content-Type": "text/plain"}),
    "pairs": ("text", 200, [("X-A", "1"), ("X-A", "2")]),
    "status text": ("text", "404 NOT HERE"),
    "json and status": ({"a": 1}, 400),
    "empty": "",
    "unicode": "grün",
}


def create_app():
    app = Quart(__name__)
    app.folder = tempfile.TemporaryDirectory()
    root = Path(app.folder.name)
    (root / "tea.txt").write_text("0123456789")
    (root / "style.css").write_text("a {}")
    _add_views(app)
    _add_files(app, root)
    return app


def _add_views(app):
    @app.get("/returned/<name>")
    async def returned(name):
        return RETURNED[name]

    @app.get("/made")
    async def made():
        response = await make_response({"a": 1}, 201)
        response.headers.add("X-A", "1")
        response.content_type = "application/vnd.tea+json"
        return response

    @app.get("/class")
    async def of_class():
        return Response("text", 203, {"X-A": "1"}, mimetype="text/x-tea")

    @app.get("/twice")
    async def twice():
        response = await make_response("first")
        response.set_data("second")
        text = await response.get_data(as_text=True)
        return await make_response(response), 200, {"X-Text": text}

    @app.get("/json")
    async def as_json():
        response = jsonify([1, 2])
        return {"json": await response.get_json(), "is": response.is_json}

    @app.get("/redirect")
    async def redirected():
        return redirect("/made?a=b c", code=307)

    @app.get("/etag")
    async def etag():
        response = await make_response("0123456789")
        await response.add_etag()
        response.last_modified = datetime(2026, 3, 1, tzinfo=UTC)
        return await response.make_conditional(request)

    @app.get("/partial")
    async def partial():
        response = await make_response("0123456789")
        return await response.make_conditional(request, accept_ranges=True, complete_length=10)

    @app.get("/cache")
    async def cache():
        response = await make_response("cached")
        response.cache_control.max_age = 60
        response.cache_control.public = True
        response.vary.add("Accept")
        response.expires = datetime(2026, 3, 1, tzinfo=UTC)
        return response


def _add_files(app, root):
    @app.get("/file")
    async def file():
        return await send_file(root / "tea.txt", conditional=True)

    @app.get("/download")
    async def download():
        return await send_file(
            root / "tea.txt",
            as_attachment=True,
            attachment_filename="Tee grün.txt",
            cache_timeout=5,
        )

    @app.get("/memory")
    async def memory():
        return await send_file(BytesIO(b"in memory"), mimetype="text/plain", add_etags=False)

    @app.get("/folder/<path:name>")
    async def folder(name):
        return await send_from_directory(root, name)


VARYING = {"last-modified", "date", "expires", "etag"}


async def _stable(response):
    found = await shown(response)
    found["headers"] = [
        [name, "" if name in VARYING else value] for name, value in found["headers"]
    ]
    return found


async def answers(app):
    client = app.test_client()
    for name in RETURNED:
        yield name, await shown(await client.get(f"/returned/{name}"))
    for path in ("/made", "/class", "/twice", "/json", "/redirect", "/cache"):
        yield path, await shown(await client.get(path))
    for path in ("/file", "/download", "/memory", "/folder/tea.txt", "/folder/style.css"):
        yield path, await _stable(await client.get(path))
    for path in ("/folder/none.txt", "/folder/../secret"):
        yield path, (await client.get(path)).status_code
    for path in ("/file", "/partial"):
        for wanted in ("bytes=2-4", "bytes=-3", "bytes=20-30", "bytes=8-"):
            response = await client.get(path, headers={"Range": wanted})
            yield f"{path} {wanted}", await _stable(response)
    etag = (await client.get("/etag")).headers["ETag"]
    yield "etag", await _stable(await client.get("/etag"))
    yield "not modified", await _stable(await client.get("/etag", headers={"If-None-Match": etag}))
    since = {"If-Modified-Since": "Sun, 01 Mar 2026 00:00:00 GMT"}
    yield "not modified since", await _stable(await client.get("/etag", headers=since))
    yield "head", await _stable(await client.head("/file"))
    async with app.app_context():
        yield "no such file", await error_of(send_file("/nowhere/at/all"))
    app.folder.cleanup()
