"""What a user writes, and what it is to a type checker. No line here has an error."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from asyncflask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    send_from_directory,
    session,
    url_for,
    websocket,
)

app = Flask(__name__)
pages = Blueprint("pages", __name__)


# -- the body of a request in `def` and in `async def` ---------------------------------------------


@app.post("/def")
def def_view() -> str:
    name = request.form["name"]
    assert_type(name, str)
    assert_type(request.form.get("age", type=int), int | None)
    assert_type(request.form.getlist("age", type=int), list[int])
    assert_type(request.values["name"], str)
    assert_type(request.get_data().decode(), str)
    assert_type(request.get_data(as_text=True).upper(), str)
    assert_type(request.stream.read(10), bytes)
    picture = request.files["picture"]
    picture.save("picture.png")
    data: dict[str, int] = request.get_json()
    total: int = request.get_json()["total"] + data["total"]
    if "x" in request.form and total:
        return name.upper()
    return ", ".join(f"{key}={value}" for key, value in request.form.items())


@app.post("/async")
async def async_view() -> str:
    form = await request.form
    assert_type(form["name"], str)
    assert_type((await request.values)["name"], str)
    assert_type(await request.get_data(), bytes)
    assert_type(await request.get_data(as_text=True), str)
    assert_type(await request.stream, bytes)
    async for piece in request.stream:
        assert_type(piece, bytes)
    files = await request.files
    await files["picture"].save("picture.png")
    data: dict[str, int] = await request.get_json()
    reading = asyncio.create_task(request.get_data())
    assert_type(await reading, bytes)
    return f"{form['name']} {data['total']}"


# -- websockets ------------------------------------------------------------------------------------


@app.websocket("/def")
def def_websocket() -> None:
    for message in websocket:
        assert_type(message, str | bytes)
        websocket.send(message)
    text = websocket.receive()
    if isinstance(text, str):
        websocket.send(text.upper())
    number: int = websocket.receive_json()["number"]
    websocket.send_json(number=number)
    websocket.close(1000)


@app.websocket("/async")
async def async_websocket() -> None:
    async for message in websocket:
        assert_type(message, str | bytes)
        await websocket.send(message)
    assert_type(await asyncio.wait_for(websocket.receive(), 5), str | bytes)
    receiving = asyncio.create_task(websocket.receive())
    assert_type(await receiving, str | bytes)
    await websocket.send_json(await websocket.receive_json())


# -- what a view may return ------------------------------------------------------------------------


@app.get("/r1")
def to_somewhere() -> BaseResponse:
    return redirect(url_for("def_view"))


@pages.get("/r2")
async def data() -> Response:
    return jsonify(a=1)


@pages.route("/r3", methods=["GET", "POST"])
def made() -> Response:
    response = make_response("x", 201)
    assert_type(response, Response)
    response.headers["X-A"] = "b"
    return response


@app.get("/r4")
def several() -> tuple[dict[str, str], int, dict[str, str]]:
    return {"a": "b"}, 200, {"X-A": "b"}


@app.get("/r5")
async def stream() -> AsyncIterator[str]:
    yield "a"


@app.get("/r6")
def lines() -> Iterator[str]:
    yield "a"


@app.get("/r7/<int:number>")
async def file(number: int) -> Response:
    if number > 3:
        abort(404)
    if number > 2:
        return await asyncio.to_thread(send_from_directory, "files", f"{number}.txt")
    return send_file("a.txt")


@app.get("/r8")
def page() -> str:
    session["seen"] = True
    assert_type(session.permanent, bool)
    return render_template("page.html", user=session.get("user"))


# -- hooks -----------------------------------------------------------------------------------------


@app.before_request
def before() -> None: ...


@app.before_request
async def before_with_answer() -> tuple[str, int] | None:
    return ("no", 403) if request.args.get("no") else None


@app.after_request
async def after(response: Response) -> Response:
    return response


@app.teardown_request
def teardown(error: BaseException | None) -> None: ...


@app.errorhandler(404)
async def not_found(error: Exception) -> tuple[str, int]:
    return "nothing", 404


@app.errorhandler(ValueError)
def wrong_value(error: ValueError) -> str:
    return str(error)


@app.context_processor
def names() -> dict[str, Any]:
    return {"a": 1}


@app.before_serving
async def start() -> None: ...


@app.while_serving
async def around() -> AsyncIterator[None]:
    yield


@app.template_filter()
def shout(text: str) -> str:
    return text.upper()


# -- the app ---------------------------------------------------------------------------------------

assert_type(app.logger, logging.Logger)
assert_type(current_app.logger, logging.Logger)
assert_type(app.config["DEBUG"], Any)


def add(a: int, b: str) -> float:
    return a + len(b)


async def add_later(a: int, b: str) -> float:
    return a + len(b)


async def convert() -> None:
    assert_type(await app.ensure_async(add)(1, "b"), float)
    assert_type(await app.ensure_async(add_later)(1, "b"), float)
    assert_type(await app.sync_to_async(add)(1, b="b"), float)
    assert_type(app.async_to_sync(add_later)(1, "b"), float)
    assert_type(app.ensure_sync(add)(1, "b"), float)
    app.add_background_task(add_later, 1, b="b")


async def test_it() -> None:
    client = app.test_client()
    client.set_cookie("theme", "dark", domain="shop.test", max_age=60)
    client.set_cookie("shop.test", "theme", "dark", max_age=60)  # as Quart's
    client.delete_cookie("theme", domain="shop.test")
    client.delete_cookie("shop.test", "theme")
    response = await client.get("/def")
    assert_type(response, TestResponse)
    assert_type(response.status_code, int)
    assert_type(response.text, str)
    async with app.test_request_context("/def", method="POST"):
        assert_type(request.path, str)
