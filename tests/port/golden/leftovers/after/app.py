import click
from asyncflask import Flask, Request, request
from werkzeug.datastructures import FileStorage
from werkzeug.middleware.proxy_fix import ProxyFix


class JSONRequest(Request):
    @property
    def payload(self):
        return self.get_json(silent=True) or {}


class App(Flask):
    request_class = JSONRequest


app = App(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)


def body():
    load = request.get_json
    return load(silent=True)


def part(name):
    return getattr(request, name)


async def store(file: FileStorage, folder):
    await file.save(f"{folder}/{file.filename}")


@app.post("/body")
def read_body():
    return body()


@app.post("/part")
def read_part():
    return part(request.args["part"])["a"]


@app.post("/payload")
def read_payload():
    return request.payload


@app.post("/store")
async def store_all():
    for file in (await request.files).getlist("file"):
        await store(file, "uploads")
    return getattr(request, "user", "nobody")


@app.cli.command("warm")
def warm():
    with app.test_client() as client:
        click.echo(client.get("/").status)
