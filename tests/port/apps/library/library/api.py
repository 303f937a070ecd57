"""The API for programs: class-based views and tokens."""

import functools

from flask import abort, jsonify, request
from flask.views import MethodView, View

from .reading import json_object
from .store import store

TOKENS = {"secret": "robot"}


def token_required(view):
    @functools.wraps(view)
    def wrapped(*args, **kwargs):
        header = request.headers.get("Authorization", "")
        if header.removeprefix("Bearer ") not in TOKENS:
            abort(401)
        return view(*args, **kwargs)

    return wrapped


class Resource(MethodView):
    """What the resources share."""

    decorators = [token_required]
    names = ()

    def body(self):
        return json_object(*self.names)

    def created(self, thing):
        return jsonify(thing.as_dict()), 201


class BookList(Resource):
    names = ("title", "author")

    def get(self):
        return jsonify([book.as_dict() for book in store().books.values()])

    def post(self):
        data = self.body()
        return self.created(store().add_book(data["title"], data["author"], data.get("year", 0)))


class OneBook(Resource):
    names = ("title",)

    def get(self, number):
        return jsonify(store().book(number).as_dict())

    def put(self, number):
        book = store().book(number)
        book.title = self.body()["title"]
        return jsonify(book.as_dict())

    def delete(self, number):
        store().remove_book(number)
        return "", 204


class Echo(View):
    """Return what was sent."""

    methods = ["POST"]
    init_every_request = False

    def dispatch_request(self):
        kind = request.mimetype
        if kind == "application/json":
            return jsonify(json=request.json)
        if request.form:
            return jsonify(form=request.form.to_dict(), files=sorted(request.files))
        return jsonify(data=request.data.decode(), length=request.content_length)


def init_app(app):
    app.add_url_rule("/api/books", view_func=BookList.as_view("book_list"))
    app.add_url_rule("/api/books/<int:number>", view_func=OneBook.as_view("one_book"))
    app.add_url_rule("/api/echo", view_func=Echo.as_view("echo"))
