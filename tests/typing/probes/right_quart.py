"""Code of users of `asyncflask.quart` that both checkers accept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from asyncflask.quart import (
    Blueprint,
    Quart,
    Response,
    ResponseReturnValue,
    current_app,
    flash,
    g,
    make_response,
    render_template,
    request,
    send_file,
    session,
    websocket,
)
from asyncflask.quart.testing import QuartClient
from asyncflask.quart.utils import run_sync
from asyncflask.quart.views import MethodView

app = Quart(__name__)
bp = Blueprint("bp", __name__)


@app.before_serving
async def start() -> None: ...
@app.while_serving
async def around() -> AsyncIterator[None]:
    yield


@app.before_request
async def before() -> ResponseReturnValue | None:
    return None


@app.after_request
async def after(response: Response) -> Response:
    data: bytes = await response.get_data()
    text: str = await response.get_data(as_text=True)
    response.headers["x"] = text + str(len(data))
    return response


@app.get("/")
async def index() -> str:
    await flash("x")
    return await render_template("x.html")


@app.post("/form")
async def form() -> ResponseReturnValue:
    f = await request.form
    name: str = f["name"]
    data: bytes = await request.get_data()
    j = await request.get_json()
    session["x"] = name
    g.user = data
    return {"a": 1, "j": j}, 201


@app.get("/resp")
async def resp() -> Response:
    r = await make_response("x", 200)
    r.set_cookie("a", "b")
    r.timeout = None
    return r


@app.get("/file")
async def file() -> Response:
    return await send_file("x")


@app.websocket("/ws")
async def ws() -> None:
    await websocket.accept()
    data = await websocket.receive()
    await websocket.send(data)
    await websocket.close(1000)


@app.errorhandler(404)
async def nf(e: Exception) -> ResponseReturnValue:
    return "x", 404


@app.route("/gen")
async def gen() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"

    return Response(chunks())


app.register_blueprint(bp)


async def t() -> None:
    client: QuartClient = app.test_client()
    response = await client.get("/", headers={"a": "b"})
    d: bytes = await response.get_data()
    assert response.status_code == 200
    assert d
    async with client.websocket("/ws") as c:
        await c.send("x")
        await c.receive()
    async with app.test_app() as ta:
        await ta.test_client().get("/")
    async with app.app_context():
        name: str = current_app.name
    async with app.test_request_context("/"):
        assert request.method == name
    await run_sync(len)("x")


class M(MethodView):
    async def get(self) -> str:
        return "x"


app.add_url_rule("/m", view_func=M.as_view("m"))
