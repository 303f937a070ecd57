import functools
import sqlite3

import flask
from flask import Flask, g, request

app = Flask(__name__)


def timed(name):
    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            response = flask.make_response(function(*args, **kwargs))
            response.headers["X-Name"] = name
            return response

        return wrapper

    return decorator


def json_only(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not request.get_json():
            flask.abort(400)
        return view(*args, **kwargs)

    return wrapper


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@app.before_request
def connect():
    g.db = sqlite3.connect(":memory:")


@app.teardown_appcontext
def close(error):
    if "db" in g:
        g.db.close()


@app.errorhandler(404)
def missing(error):
    return "missing", 404


@app.context_processor
def names():
    return {"name": "Ada"}


@app.route("/")
@timed("index")
def index():
    return str(g.db.execute("select 1").fetchone()[0])


@app.post("/json")
@json_only
@timed("json")
def json():
    return request.get_json()


@app.get("/logged")
@logged
def with_logging():
    return add(1, 2)


@logged
def add(a, b):
    return str(a + b)
