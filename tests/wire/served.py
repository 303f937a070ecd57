"""The app that ``test_servers.py`` serves; it notes in a file what no client sees."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

from asyncflask import Flask, abort, current_app, flask, request, stream_with_context, websocket

app = Flask(__name__)
PIECE = bytes(range(256)) * 256  # 64 KiB
released = asyncio.Event()
produced = 0


def note(text):
    with open(os.environ["NOTES"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


@app.before_serving
async def begin():
    app.lifespan_state["opened"] = "at startup"
    note("before_serving")


@app.after_serving
def end():
    note("after_serving")


@app.teardown_request
def leave(error):
    if request.path == "/endless":
        note(f"teardown of {request.path}")


@app.get("/async/<name>")
async def on_the_loop(name):
    return {"name": name, "args": request.args, "url": request.url, "root": request.script_root}


@app.get("/def/<name>")
def off_the_loop(name):
    return {"name": name, "args": request.args, "url": request.url, "root": request.script_root}


@app.post("/form/async")
async def form_on_the_loop():
    return (await request.form).to_dict(flat=False)


@app.post("/form/def")
def form_off_the_loop():
    return request.form.to_dict(flat=False)


@app.post("/upload/async")
async def upload_on_the_loop():
    file = (await request.files)["file"]
    return describe(file, (await request.form)["title"])


@app.post("/upload/def")
def upload_off_the_loop():
    return describe(request.files["file"], request.form["title"])


def describe(file, title):
    content = file.stream.read()
    return {"title": title, "name": file.filename, "sum": hashlib.sha256(content).hexdigest()}


@app.post("/form/of-an-extension")
async def form_of_an_extension():
    """Read the form as an extension for Flask does, synchronously."""
    if "await" in request.args:
        await request.data
    try:
        return flask.request.form.to_dict(flat=False)
    except RuntimeError as error:
        return str(error).partition(",")[0], 500


@app.post("/body")
async def body():
    """Read the body piece by piece, more slowly than it arrives."""
    checksum, length = hashlib.sha256(), 0
    async for piece in request.body:
        checksum.update(piece)
        length += len(piece)
        await asyncio.sleep(0)
    return {
        "length": length,
        "sum": checksum.hexdigest(),
        "encoding": request.headers.get("Transfer-Encoding"),
    }


@app.get("/state")
async def state():
    return request.scope["state"]["opened"]


@app.get("/stream")
async def stream():
    """Send the second piece after the client has confirmed the first one."""
    released.clear()

    async def pieces():
        yield "first"
        await released.wait()
        yield "second"

    return pieces()


@app.post("/release")
async def release():
    released.set()
    return "", 204


@app.get("/endless")
async def endless():
    @stream_with_context
    async def pieces():
        try:
            while True:
                yield f"{request.path}\n"
                await asyncio.sleep(0.01)
        finally:
            note("end of /endless")

    return pieces()


@app.get("/large/<int:count>")
async def large(count):
    async def pieces():
        global produced
        produced = 0
        while produced < count:
            produced += 1
            yield PIECE

    return pieces()


@app.get("/produced")
async def tell_produced():
    return str(produced)


@app.post("/background")
async def background():
    current_app.add_background_task(work, request.args["name"], float(request.args["seconds"]))
    return "accepted", 202


async def work(name, seconds):
    await asyncio.sleep(seconds)
    note(f"task {name}")


@app.get("/fail")
async def fail():
    raise RuntimeError("meant to fail")


@app.websocket("/echo")
async def echo():
    await websocket.accept(headers={"X-Path": websocket.path}, subprotocol="chat")
    try:
        async for message in websocket:
            if message == "close":
                await websocket.close(4001, "as you wish")
            await websocket.send(message)
    finally:
        note(f"end of {websocket.args['name']}")


@app.websocket("/queue/<kind>")
async def wait_for_a_queue(kind):
    """Wait for a queue that stays empty, as in Quart's documents; some also receive."""
    await websocket.accept()
    receiving = asyncio.create_task(receive_all() if kind == "beside" else asyncio.sleep(0))
    try:
        while True:
            await websocket.send(await asyncio.Queue().get())
    finally:
        receiving.cancel()
        note(f"end of queue {kind} {websocket.args['name']}")


async def receive_all():
    while True:
        await websocket.receive()


@app.websocket("/refused")
async def refused():
    abort(401, "Not you.")


if __name__ == "__main__":
    port, *files = sys.argv[1:]
    options = dict(zip(("certfile", "keyfile"), files, strict=False))
    app.run(port=int(port), debug=True, use_reloader=False, **options)
