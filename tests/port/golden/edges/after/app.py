from typing import TYPE_CHECKING
import asyncflask as f
from asyncflask import Flask, request, Response
try:
    from asyncflask import json
except ImportError:
    json = None
if TYPE_CHECKING:
    from asyncflask.typing import ResponseReturnValue
app = Flask(__name__)

@app.post("/walrus")
async def walrus():
    if (name := (await request.form).get("name")) and (x := (await request.files).get("x")):
        await x.save("a")
    return name

@app.post("/nested")
async def nested():
    async def inner():
        return (await request.form)["a"]
    async def gen():
        return [await inner() for _ in range(2)]
    return await gen()

@app.post("/map")
def mapped():
    return list(map(reader, [1]))

def reader(x):
    return request.form["a"]

@app.post("/try")
async def tried():
    try:
        data = await request.get_json(force=True)
    except f.BadRequest:
        return "bad", 400
    else:
        return data
    finally:
        print(f"{await request.data!r}")

@app.post("/default")
async def default(x=lambda: request.form):
    return x() | await request.form

@app.post("/cond")
async def cond():
    return "a" if await request.form else await request.json if request.is_json else [*(await request.form).values()][0]

@app.post("/chain")
async def chain():
    return (await request.form) \
        .get("a")

class Thing:
    @property
    def value(self):
        return request.form["a"]
    @staticmethod
    async def static():
        return (await request.form)["b"]
    @classmethod
    async def make(cls):
        return await cls().read()
    async def read(self): return (await request.form)["c"]

thing = Thing()

@app.post("/thing")
async def things():
    return await thing.read() + await Thing.static() + await Thing.make()

@app.post("/prop")
def prop():
    return thing.value

@app.post("/assert")
def asserted():
    assert request.form, "no form"
    del request.form["x"]
    with open("x") as file:
        file.write(request.form["a"])
    return f.request.values["a"]

@app.route("/del", methods=["POST"])
async def decorated() -> "ResponseReturnValue":
    req = request
    if req.method == "POST": return {"a": (await req.form)["a"]}
    return Response(await request.data)

@app.post("/callback")
async def callback():
    app.logger.info("%s", await request.form)
    @f.after_this_request
    async def later(response):
        response.headers["X"] = (await request.form)["x"]
        return response
    return ""

async def page(title):
    return await f.current_app.ensure_async(f.render_template)("page.html", title=title)

@app.post("/page")
async def shown():
    return await page("Page")

@app.post("/values")
async def values():
    return thing.value
