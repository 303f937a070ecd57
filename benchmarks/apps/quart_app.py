"""Quart, as its documentation writes it."""

from __future__ import annotations

from quart import Quart, g, render_template, request, session, websocket

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS


def plaintext():
    app = Quart(__name__)

    @app.get("/")
    async def hello():
        return "Hello, World!"

    return app


def json_object():
    app = Quart(__name__)

    @app.get("/")
    async def show():
        return OBJECT

    return app


def path():
    app = Quart(__name__)

    @app.get("/users/<name>/items/<int:number>")
    async def item(name, number):
        return f"{name} has {number}"

    return app


def sections(indexes):
    app = Quart(__name__)
    for index in indexes:

        @app.get(f"/section{index}/<name>/<int:number>", endpoint=f"section{index}")
        async def item(name, number):
            return f"{name} has {number}"

    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    app = Quart(__name__)

    @app.get("/")
    async def show():
        page = request.args.get("page", type=int)
        identity = request.headers["X-Request-Id"]
        return f"{request.args['q']} {page} {identity} {request.cookies['theme']}"

    return app


def json_post():
    app = Quart(__name__)

    @app.post("/")
    async def receive():
        items = (await request.get_json())["items"]
        return {"count": len(items), "last": items[-1]["name"]}

    return app


def form():
    app = Quart(__name__)

    @app.post("/")
    async def receive():
        fields = await request.form
        return f"{len(fields)} {fields['field_0']} {fields['field_9']}"

    return app


def multipart():
    app = Quart(__name__)

    @app.post("/")
    async def receive():
        title, file = (await request.form)["title"], (await request.files)["file"]
        data = file.read()
        return f"{title} {file.filename} {len(data)} {data[-4:].hex()}"

    return app


def template():
    app = Quart(__name__)

    @app.get("/")
    async def show():
        return await render_template("rows.html", title="Rows", rows=ROWS)

    return app


def signed_session():
    app = Quart(__name__)
    app.secret_key = "benchmark"

    @app.get("/")
    async def visit():
        session["visits"] = session.get("visits", 0) + 1
        return f"visit {session['visits']}"

    return app


def hooks():
    app = Quart(__name__)

    def add(name):
        @app.before_request
        async def before():
            setattr(g, name, name)

        @app.after_request
        async def after(response):
            response.headers[f"X-{name}"] = "done"
            return response

    for name in NAMES:
        add(name)

    @app.get("/")
    async def show():
        return f"{g.first} {g.second} {g.third}"

    return app


def stream():
    app = Quart(__name__)

    @app.get("/")
    async def send():
        async def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        return chunks()

    return app


def def_view():
    app = Quart(__name__)

    @app.get("/")
    def hello():
        return "Hello, World!"

    return app


class TeapotError(Exception):
    """The exception that the view of ``error`` raises."""


def error():
    app = Quart(__name__)

    @app.get("/")
    async def brew():
        raise TeapotError("no coffee")

    @app.errorhandler(TeapotError)
    async def refuse(error):
        return f"TeapotError: {error}", 418

    return app


def echo():
    app = Quart(__name__)

    @app.websocket("/")
    async def talk():
        while True:
            await websocket.send(await websocket.receive())

    return app


APPS = {
    "plaintext": plaintext,
    "json": json_object,
    "path": path,
    "one_route": one_route,
    "routes": routes,
    "inputs": inputs,
    "json_post": json_post,
    "form": form,
    "multipart": multipart,
    "template": template,
    "session": signed_session,
    "hooks": hooks,
    "stream": stream,
    "def_view": def_view,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
