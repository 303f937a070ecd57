import sqlite3
import time

import requests
from optional import parse_options
from flask import current_app, g, jsonify, request
from flask.views import MethodView, View

from .reading import LoudReader, Reader


class Items(MethodView):
    decorators = []

    def get(self):
        return jsonify(rows("select * from item"))

    def post(self):
        item = request.get_json()["item"]
        return self.answer(item), 201

    def put(self):
        rows("delete from item")
        return self.answer(request.json["item"])

    def answer(self, item):
        return jsonify(item=item, raw=request.get_data(as_text=True))


class First(View):
    methods = ["POST"]

    def dispatch_request(self):
        reader = Reader(["none"]) if request.args else LoudReader(["none"])
        return reader.first()


def db():
    if "db" not in g:
        g.db = sqlite3.connect(":memory:")
    return g.db


def rows(query):
    return db().execute(query).fetchall()


async def remote():
    time.sleep(0.1)
    body = request.get_json()
    g.parsed = parse_options(request), isinstance(request, object)
    g.length = len(request.stream.read())
    return requests.post(current_app.config["REMOTE"], json=body).json()


def init_app(app):
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/first", view_func=First.as_view("first"))
    app.add_url_rule("/remote", view_func=remote, methods=["POST"])

    @app.get("/rows")
    def all_rows():
        return rows("select * from item")
