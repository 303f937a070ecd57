from typing import TYPE_CHECKING
import flask as f
from flask import Flask, request, Response
try:
    from flask import json
except ImportError:
    json = None
if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
app = Flask(__name__)

@app.post("/walrus")
def walrus():
    if (name := request.form.get("name")) and (x := request.files.get("x")):
        x.save("a")
    return name

@app.post("/nested")
def nested():
    def inner():
        return request.form["a"]
    def gen():
        return [inner() for _ in range(2)]
    return gen()

@app.post("/map")
def mapped():
    return list(map(reader, [1]))

def reader(x):
    return request.form["a"]

@app.post("/try")
def tried():
    try:
        data = request.get_json(force=True)
    except f.BadRequest:
        return "bad", 400
    else:
        return data
    finally:
        print(f"{request.data!r}")

@app.post("/default")
def default(x=lambda: request.form):
    return x() | request.form

@app.post("/cond")
def cond():
    return "a" if request.form else request.json if request.is_json else [*request.form.values()][0]

@app.post("/chain")
def chain():
    return request.form \
        .get("a")

class Thing:
    @property
    def value(self):
        return request.form["a"]
    @staticmethod
    def static():
        return request.form["b"]
    @classmethod
    def make(cls):
        return cls().read()
    def read(self): return request.form["c"]

thing = Thing()

@app.post("/thing")
def things():
    return thing.read() + Thing.static() + Thing.make()

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
def decorated() -> "ResponseReturnValue":
    req = request
    if req.method == "POST": return {"a": req.form["a"]}
    return Response(request.data)

@app.post("/callback")
def callback():
    app.logger.info("%s", request.form)
    @f.after_this_request
    def later(response):
        response.headers["X"] = request.form["x"]
        return response
    return ""

def page(title):
    return f.render_template("page.html", title=title)

@app.post("/page")
def shown():
    return page("Page")

@app.post("/values")
async def values():
    return thing.value
