"""Each step of Flask's may be replaced: on a subclass, an app, a class; early or late."""

from __future__ import annotations

import pytest

from asyncflask import Flask, websocket
from asyncflask.dispatch.steps import NAMES, find_replaced

#: What makes each step happen, when it is asked of :func:`served`.
CAUSES = {
    "create_url_adapter": "/fine",
    "do_teardown_appcontext": "/fine",
    "do_teardown_request": "/fine",
    "full_dispatch_request": "/fine",
    "preprocess_request": "/fine",
    "dispatch_request": "/fine",
    "make_response": "/fine",
    "finalize_request": "/fine",
    "process_response": "/fine",
    "handle_exception": "/error",
    "handle_http_exception": "/nowhere",
    "handle_user_exception": "/error",
    "log_exception": "/error",
    "raise_routing_exception": "/nowhere",
    "make_default_options_response": "OPTIONS",
    "full_dispatch_websocket": "ws",
    "preprocess_websocket": "ws",
    "dispatch_websocket": "ws",
    "finalize_websocket": "ws",
    "postprocess_websocket": "ws",
    "handle_websocket_exception": "ws error",
    "do_teardown_websocket": "ws",
}


def make(cls=Flask, colour="async"):
    app = cls(__name__, static_folder=None)
    app.logger.disabled = True
    if colour == "async":

        @app.get("/fine")
        async def fine():
            return "fine"

        @app.get("/error")
        async def error():
            raise LookupError("in the view")
    else:
        app.get("/fine", endpoint="fine")(lambda: "fine")

        @app.get("/error")
        def error():
            raise LookupError("in the view")

    @app.websocket("/ws")
    async def ws():
        await websocket.accept()
        if "error" in websocket.args:
            raise LookupError("in the view")

    return app


async def served(app, cause):
    client = app.test_client()
    if cause == "OPTIONS":
        await client.options("/fine")
    elif cause.startswith("ws"):
        app.config["PROPAGATE_EXCEPTIONS"] = False
        async with client.websocket("/ws" + ("?error" if "error" in cause else "")) as connection:
            await connection.close()
    else:
        await client.get(cause)


def counting(name, calls, colour):
    original = getattr(Flask, name)

    def step(self, *args, **kwargs):
        calls.append(name)
        return original(self, *args, **kwargs)

    async def async_step(self, *args, **kwargs):
        calls.append(name)
        return await original(self, *args, **kwargs)

    return step if colour == "def" else async_step


SYNCHRONOUS = {
    "create_url_adapter",
    "make_response",
    "log_exception",
    "raise_routing_exception",
    "make_default_options_response",
}


def test_the_table_of_causes_has_every_step():
    assert set(CAUSES) == NAMES - {"asgi_app"}


@pytest.mark.parametrize("views", ["async", "def"])
@pytest.mark.parametrize("name", sorted(CAUSES))
@pytest.mark.parametrize("where", ["subclass", "app", "class"])
async def test_a_replaced_step_is_called(name, where, views, monkeypatch):
    calls: list[str] = []
    step = counting(name, calls, "def")
    if where == "subclass":
        app = make(type("Own", (Flask,), {name: step}), views)
    elif where == "app":
        app = make(colour=views)
        setattr(app, name, step.__get__(app))
    else:
        app = make(colour=views)
        monkeypatch.setattr(Flask, name, step)
    await served(app, CAUSES[name])

    assert calls


@pytest.mark.parametrize("name", sorted(set(CAUSES) - SYNCHRONOUS))
async def test_a_replaced_step_may_be_async(name):
    calls: list[str] = []
    app = make(type("Own", (Flask,), {name: counting(name, calls, "async")}))
    await served(app, CAUSES[name])

    assert calls


async def test_a_replacement_after_the_first_request_is_seen_and_so_is_its_end(monkeypatch):
    calls: list[str] = []
    app = make()
    await served(app, "/fine")
    app.make_response = counting("make_response", calls, "def").__get__(app)
    await served(app, "/fine")
    del app.make_response
    await served(app, "/fine")

    assert calls == ["make_response"]


async def test_a_late_patch_of_a_subclass_is_seen(monkeypatch):
    calls: list[str] = []
    own = type("Own", (Flask,), {})
    app = make(own)
    await served(app, "/fine")
    with monkeypatch.context() as patch:
        patch.setattr(own, "process_response", counting("process_response", calls, "def"))
        await served(app, "/fine")
    await served(app, "/fine")

    assert calls == ["process_response"]


async def test_replacing_the_step_of_one_app_leaves_the_others_alone():
    calls: list[str] = []
    one, other = make(), make()
    one.make_response = counting("make_response", calls, "def").__get__(one)
    await served(other, "/fine")

    assert calls == []


def test_an_app_that_replaces_nothing_pays_for_nothing():
    assert find_replaced(Flask(__name__), Flask._untouched) == frozenset()


async def test_a_replaced_dispatch_may_answer_by_itself():
    class Own(Flask):
        async def dispatch_request(self):
            return "answered", 202

    response = await make(Own).test_client().get("/fine")

    assert (response.status_code, response.text) == (202, "answered")


async def test_a_replaced_make_response_takes_what_views_may_not_return():
    class Own(Flask):
        def make_response(self, rv):
            return super().make_response(str(rv) if isinstance(rv, int) else rv)

    app = Own(__name__)
    app.get("/")(lambda: 42)

    assert (await app.test_client().get("/")).text == "42"


async def test_a_replaced_create_url_adapter_decides_what_matches():
    class Own(Flask):
        def create_url_adapter(self, request):
            if request is not None:
                return self.url_map.bind("other.test", path_info="/fine")
            return super().create_url_adapter(request)

    response = await make(Own).test_client().get("/whatever")

    assert response.text == "fine"
