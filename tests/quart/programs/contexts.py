"""Contexts: who sees ``request``, ``g`` and ``session``, and their copies in tasks."""

import asyncio

from quart import (
    Quart,
    after_this_request,
    copy_current_app_context,
    copy_current_request_context,
    copy_current_websocket_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    has_websocket_context,
    request,
    session,
    url_for,
    websocket,
)

from .recorded import body, error_of, shown


def create_app():
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.log = []
    _add_views(app)
    _add_copies(app)

    @app.teardown_appcontext
    async def teardown(error):
        app.log.append(f"teardown {g.get('name')}")

    return app


def _add_views(app):
    @app.get("/has")
    async def has():
        return [has_app_context(), has_request_context(), has_websocket_context()]

    @app.get("/after")
    async def after():
        @after_this_request
        async def stamp(response):
            response.headers["X-After"] = "yes"
            return response

        @after_this_request
        def stamp_def(response):
            response.headers["X-After-Def"] = "yes"
            return response

        return "after"

    @app.get("/g")
    async def use_g():
        g.name = "g"
        g.setdefault("count", 1)
        return {
            "name": g.pop("name"),
            "in": "count" in g,
            "get": g.get("none", "default"),
            "all": [*g],
        }


def _add_copies(app):
    @app.get("/task")
    async def task():
        g.name = "task"

        @copy_current_request_context
        async def work():
            g.work = 1
            return [request.path, g.name, current_app.name == app.name]

        return [await asyncio.create_task(work()), "work" in g]

    @app.get("/app-task")
    async def app_task():
        g.name = "app task"

        @copy_current_app_context
        async def work():
            return [g.get("name"), current_app.name == app.name]

        return await asyncio.create_task(work())

    @app.websocket("/ws")
    async def ws():
        g.name = "ws"

        @copy_current_websocket_context
        async def work():
            return [websocket.path, g.name, has_websocket_context()]

        await websocket.send_json(await asyncio.create_task(work()))

    @app.get("/gather")
    async def gather():
        async def path():
            await asyncio.sleep(0)
            return request.path

        return await asyncio.gather(path(), path())


async def _needs_request():
    @copy_current_request_context
    async def work():
        pass


async def _path():
    return request.path


async def answers(app):
    client = app.test_client()
    for path in ("/has", "/after", "/g", "/task", "/app-task", "/gather"):
        yield path, await shown(await client.get(path))
    async with client.websocket("/ws") as connection:
        yield "websocket", await connection.receive_json()
    yield "teardowns", sorted(set(app.log))
    yield "outside", await error_of(_needs_request())
    yield "a proxy outside", await error_of(_path())
    async with app.test_request_context(
        "/there?q=1", method="POST", headers={"X-Here": "yes"}, json={"a": 1}
    ):
        session["user"] = "ada"
        yield (
            "test_request_context",
            [
                request.method,
                request.path,
                request.full_path,
                request.args["q"],
                request.headers["X-Here"],
                await request.get_json(),
                session["user"],
                request.url,
                request.host,
            ],
        )
    async with app.test_request_context("/form", method="POST", form={"a": "b"}):
        yield "form", (await request.form).to_dict()
    async with app.test_request_context("/data", method="PUT", data="raw", scheme="https"):
        yield "data", [(await request.get_data()).decode(), request.scheme, request.is_secure]
    async with app.test_request_context("/has"):
        yield "dispatched", await shown(await app.make_response(await app.view_functions["has"]()))
        await app.preprocess_request()
        yield "url_for", [url_for("has"), url_for("has", _external=True), url_for("task", a=1)]
    yield "nothing is left", [has_app_context(), has_request_context()]
    yield (
        "a request is not mixed with others",
        sorted(
            await asyncio.gather(*[_text(client, path) for path in ("/has", "/task", "/gather")])
        ),
    )


async def _text(client, path):
    return (await body(await client.get(path)))[1]
