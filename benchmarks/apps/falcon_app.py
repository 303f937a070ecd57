"""Falcon's ASGI side, as its documentation writes it.

It has no templates and no sessions; a synchronous function is called through ``sync_to_async``.
"""

import falcon
import falcon.asgi

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES


def serving(route, resource, **options):
    """Make an app of one resource."""
    app = falcon.asgi.App(**options)
    app.add_route(route, resource)
    return app


class Hello:
    """Text."""

    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Hello, World!"


def plaintext():
    return serving("/", Hello())


class Show:
    """JSON."""

    async def on_get(self, req, resp):
        resp.media = OBJECT


def json_object():
    return serving("/", Show())


class Item:
    """Two path parameters."""

    async def on_get(self, req, resp, name, number):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{name} has {number}"


def path():
    return serving("/users/{name}/items/{number:int}", Item())


def sections(indexes):
    app = falcon.asgi.App()
    for index in indexes:
        app.add_route(f"/section{index}/{{name}}/{{number:int}}", Item())
    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


class Inputs:
    """Query, header and cookie."""

    async def on_get(self, req, resp):
        page = req.get_param_as_int("page")
        identity = req.get_header("X-Request-Id")
        (theme,) = req.get_cookie_values("theme")
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{req.get_param('q')} {page} {identity} {theme}"


def inputs():
    return serving("/", Inputs())


class JSONPost:
    """JSON both ways."""

    async def on_post(self, req, resp):
        items = (await req.get_media())["items"]
        resp.media = {"count": len(items), "last": items[-1]["name"]}


def json_post():
    return serving("/", JSONPost())


class Form:
    """A form of ten fields."""

    async def on_post(self, req, resp):
        fields = await req.get_media()
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{len(fields)} {fields['field_0']} {fields['field_9']}"


def form():
    return serving("/", Form())


class Upload:
    """A form with a file."""

    async def on_post(self, req, resp):
        found = {}
        async for part in await req.get_media():
            if part.name == "file":
                found["file"] = part.secure_filename, await part.stream.read()
            else:
                found[part.name] = await part.text
        name, data = found["file"]
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{found['title']} {name} {len(data)} {data[-4:].hex()}"


def multipart():
    return serving("/", Upload())


class Hook:
    """Does something before and something after the responder."""

    def __init__(self, name):
        self.name = name

    async def process_request(self, req, resp):
        setattr(req.context, self.name, self.name)

    async def process_response(self, req, resp, resource, req_succeeded):
        resp.set_header(f"X-{self.name}", "done")


class Hooked:
    """The responder of the hooks."""

    async def on_get(self, req, resp):
        context = req.context
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{context.first} {context.second} {context.third}"


def hooks():
    return serving("/", Hooked(), middleware=[Hook(name) for name in NAMES])


class Stream:
    """A streamed body."""

    async def on_get(self, req, resp):
        async def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        resp.stream = chunks()


def stream():
    return serving("/", Stream())


class Threaded:
    """A response from a thread."""

    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = await falcon.sync_to_async(lambda: "Hello, World!")


def def_view():
    return serving("/", Threaded())


class TeapotError(Exception):
    """What the responder of ``error`` raises."""


class Teapot:
    """It raises."""

    async def on_get(self, req, resp):
        raise TeapotError("no coffee")


async def refuse(req, resp, error, params):
    resp.status = 418
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = f"TeapotError: {error}"


def error():
    app = serving("/", Teapot())
    app.add_error_handler(TeapotError, refuse)
    return app


class Echo:
    """A websocket."""

    async def on_websocket(self, req, ws):
        await ws.accept()
        try:
            while True:
                await ws.send_text(await ws.receive_text())
        except falcon.WebSocketDisconnected:
            pass


def echo():
    return serving("/", Echo())


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
    "hooks": hooks,
    "stream": stream,
    "def_view": def_view,
    "not_found": plaintext,
    "error": error,
    "websocket": echo,
}
