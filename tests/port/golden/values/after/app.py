import asyncio
import functools
import threading

from asyncflask import *
from forms import *

app = Flask(__name__)


@app.post("/sorted")
def ordered():
    return ",".join(sorted(request.form, key=order))  # calls it


@app.post("/field")
async def one_field():
    return await field("a")


@app.post("/already")
async def already():
    return (await request.form)["a"]


@app.post("/thread")
def in_thread():
    form = request.form
    thread = threading.Thread(target=print, args=(form["a"],))
    thread.start()
    thread.join()
    return ""


class Requires:
    def __init__(self, name):
        self.name = name

    def __call__(self, view):
        @functools.wraps(view)
        def inner(*args):
            return view(*args) if self.name in request.form else ("", 400)

        return inner


@app.post("/required")
@Requires("a")
def required():
    return request.form["a"]


@app.post("/run")
def run():
    async def read():
        return request.form["a"]

    return asyncio.run(read())


@app.post("/run-other")
def run_other():
    a = request.form["a"]
    return asyncio.run(asyncio.sleep(0, a))


@app.context_processor
def add_form():
    return {"form": request.form}
