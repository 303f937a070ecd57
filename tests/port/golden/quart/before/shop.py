import asyncio
import os

import quart
from quart import Quart, flash, make_response, render_template_string as render
from quart import request, send_file, send_from_directory, websocket
from quart.utils import run_sync

app = Quart(__name__)
name = os.environ.get("QUART_NAME", "shop")


def make_other() -> quart.Quart:
    return quart.Quart(__name__)


@app.post("/greet")
async def greet():
    form = await request.form
    await flash("Greeted.")  # a message
    page = (
        # of a string
        await render("Hello, {{ name }}.", name=form["name"])
    )
    response = await make_response(page)
    response.set_cookie("length", str(len(await response.get_data())))
    return response


@app.get("/file")
async def file():
    if request.args:
        return await send_from_directory("files", file_name=request.args["name"])
    return await send_file("shop.py", attachment_filename="x.py", cache_timeout=5)


@app.after_request
async def count(response):
    (await response.get_json())["n"] += 1
    await response.make_conditional(request)
    return response


@app.post("/json")
async def json():
    data = await request.get_json()
    return {"n": await run_sync(len)(data), "again": (await request.json)["x"]}


@app.websocket("/ws")
async def ws():
    try:
        while True:
            await websocket.send(await websocket.receive())
    except asyncio.CancelledError:
        raise


async def helper(thing):
    return await thing.get_json(), await quart.render_template(
        "x.html",
    )
