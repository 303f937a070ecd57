"""Flask under WSGI, the framework that most users of asyncflask know."""

from __future__ import annotations

from flask import Flask, g, render_template, request, session

from ..workloads import CHUNK, CHUNKS, NAMES, OBJECT, ROUTES, ROWS


def plaintext():
    app = Flask(__name__)

    @app.get("/")
    def hello():
        return "Hello, World!"

    return app


def json_object():
    app = Flask(__name__)

    @app.get("/")
    def show():
        return OBJECT

    return app


def path():
    app = Flask(__name__)

    @app.get("/users/<name>/items/<int:number>")
    def item(name, number):
        return f"{name} has {number}"

    return app


def sections(indexes):
    app = Flask(__name__)
    for index in indexes:

        @app.get(f"/section{index}/<name>/<int:number>", endpoint=f"section{index}")
        def item(name, number):
            return f"{name} has {number}"

    return app


def one_route():
    return sections([ROUTES - 1])


def routes():
    return sections(range(ROUTES))


def inputs():
    app = Flask(__name__)

    @app.get("/")
    def show():
        page = request.args.get("page", type=int)
        identity = request.headers["X-Request-Id"]
        return f"{request.args['q']} {page} {identity} {request.cookies['theme']}"

    return app


def json_post():
    app = Flask(__name__)

    @app.post("/")
    def receive():
        items = request.get_json()["items"]
        return {"count": len(items), "last": items[-1]["name"]}

    return app


def form():
    app = Flask(__name__)

    @app.post("/")
    def receive():
        fields = request.form
        return f"{len(fields)} {fields['field_0']} {fields['field_9']}"

    return app


def multipart():
    app = Flask(__name__)

    @app.post("/")
    def receive():
        title, file = request.form["title"], request.files["file"]
        data = file.read()
        return f"{title} {file.filename} {len(data)} {data[-4:].hex()}"

    return app


def template():
    app = Flask(__name__)

    @app.get("/")
    def show():
        return render_template("rows.html", title="Rows", rows=ROWS)

    return app


def signed_session():
    app = Flask(__name__)
    app.secret_key = "benchmark"

    @app.get("/")
    def visit():
        session["visits"] = session.get("visits", 0) + 1
        return f"visit {session['visits']}"

    return app


def hooks():
    app = Flask(__name__)

    def add(name):
        @app.before_request
        def before():
            setattr(g, name, name)

        @app.after_request
        def after(response):
            response.headers[f"X-{name}"] = "done"
            return response

    for name in NAMES:
        add(name)

    @app.get("/")
    def show():
        return f"{g.first} {g.second} {g.third}"

    return app


def stream():
    app = Flask(__name__)

    @app.get("/")
    def send():
        def chunks():
            for _ in range(CHUNKS):
                yield CHUNK

        return chunks()

    return app


class TeapotError(Exception):
    """The exception that the view of ``error`` raises."""


def error():
    app = Flask(__name__)

    @app.get("/")
    def brew():
        raise TeapotError("no coffee")

    @app.errorhandler(TeapotError)
    def refuse(error):
        return f"TeapotError: {error}", 418

    return app


APPS = {
    "plaintext": plaintext,
    "json": json_object,
    "path": path,
    "one_route": one_route,
    "routes": routes,
    "inputs": inputs,
    "json_post": json_post,
    "form": form,
    "multipart": multipart,
    "template": template,
    "session": signed_session,
    "hooks": hooks,
    "stream": stream,
    "def_view": plaintext,
    "not_found": plaintext,
    "error": error,
}
