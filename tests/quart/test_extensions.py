"""What extensions of Quart do with an app and its client, beyond what their documentation says."""

from __future__ import annotations

import asyncio

import pytest


async def test_a_client_may_change_what_is_sent(quart, module, app):
    class Client(module("testing").QuartClient):
        async def _make_request(self, path, method, headers, data, form, files, *rest):
            if form is not None:
                form = {"name": form.upper()}
            return await super()._make_request(path, method, headers, data, form, files, *rest)

    @app.post("/")
    async def greet():
        return (await quart.request.form)["name"] + quart.request.args.get("end", "")

    @app.post("/old")
    async def old():
        return quart.redirect("/?end=!", 307)

    app.test_client_class = Client
    client = app.test_client()

    assert await (await client.post("/", form="ada")).get_data() == b"ADA"
    response = await client.post("/old", form="ada", follow_redirects=True)
    assert await response.get_data() == b"ADA!"
    assert await (await client.post("/", data="")).get_data() != b""


async def test_a_mark_on_the_method_of_static_files_is_found_on_their_views(quart, app):
    class Shop(quart.Quart):
        async def send_static_file(self, filename):
            return f"app {filename}"

    class ShopBlueprint(quart.Blueprint):
        async def send_static_file(self, filename):
            return f"blueprint {filename}"

    shop = Shop(__name__)
    shop.register_blueprint(ShopBlueprint("bp", __name__, static_folder="static", url_prefix="/bp"))
    shop.send_static_file.__func__.hidden = True
    ShopBlueprint.send_static_file.hidden = True

    views = [shop.view_functions[name] for name in ("static", "bp.static")]
    client = shop.test_client()

    assert [view.hidden for view in views] == [True, True]
    assert await (await client.get("/static/a.css")).get_data() == b"app a.css"
    assert await (await client.get("/bp/static/a.css")).get_data() == b"blueprint a.css"


@pytest.mark.parametrize("wait", [False, True], ids=["at once", "later"])
async def test_a_view_that_ends_as_cancelled_ends_its_request(quart, app, client, wait):
    ended = []
    reached = asyncio.Event()

    @app.get("/")
    async def index():
        if wait:
            await asyncio.sleep(0.001)
        raise asyncio.CancelledError

    @app.websocket("/ws")
    async def ws():
        await quart.websocket.accept()
        reached.set()
        raise asyncio.CancelledError

    @app.teardown_appcontext
    async def teardown(error):
        ended.append(type(error))

    response = await client.get("/")
    async with client.websocket("/ws") as connection:
        await reached.wait()

    assert await response.get_data() == b""
    assert connection.accepted
    assert ended == [asyncio.CancelledError] * 2


async def test_an_error_that_is_propagated_shows_no_traceback_to_clients(quart, app, client):
    @app.get("/")
    async def index():
        raise ValueError("propagated")

    @app.websocket("/ws")
    async def ws():
        raise ValueError("propagated")

    app.config["PROPAGATE_EXCEPTIONS"] = True

    with pytest.raises(ValueError, match="propagated"):
        await client.get("/")
    with pytest.raises(ValueError, match="propagated"):
        async with client.websocket("/ws"):
            pass
