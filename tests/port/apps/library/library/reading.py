"""What views read from requests."""

import flask
from flask import abort
from flask import request as req

MISSING = object()


def field(name, default=MISSING):
    """Return a field of the form, without spaces around it."""
    value = req.form.get(name, "").strip()
    if not value:
        if default is MISSING:
            abort(422, f"{name} is missing")
        return default
    return value


def number_field(name, default=MISSING):
    """Return a field as a number."""
    value = field(name, default)  # a text, or the default
    try:
        return int(value)
    except ValueError:
        abort(422, f"{name} is not a number")


def tags():
    """Return the tags of the form: one field, or several."""
    found = []
    for value in req.form.getlist("tag"):
        found.extend(tag.strip() for tag in value.split(",") if tag.strip())
    return sorted(set(found))


def book_fields():
    """Return the fields of a book."""
    return {
        "title": field("title"),
        "author": field("author", "unknown"),
        "year": number_field("year", 0),
        "tags": tags(),
    }


def json_object(*names):
    """Return the JSON object of the body; it has these names."""
    data = flask.request.get_json(silent=True)
    if not isinstance(data, dict):
        flask.abort(400, "an object is expected")
    missing = [name for name in names if name not in data]
    if missing:
        flask.abort(422, f"missing: {', '.join(missing)}")
    return data


def page():
    """Return the number of the page: from the query, so nothing waits."""
    return max(1, req.args.get("page", 1, type=int))


def wants_json():
    return req.accept_mimetypes.best == "application/json"


class Reader:
    """Reads values of one kind; subclasses convert them."""

    def __init__(self, request, prefix=""):
        self.request = request
        self.prefix = prefix

    def raw(self, name):
        return self.request.values.get(self.prefix + name, "")

    def read(self, name):
        return self.convert(self.raw(name))

    def convert(self, value):
        return value

    def all(self, *names):
        return {name: self.read(name) for name in names}


class UpperReader(Reader):
    def convert(self, value):
        return value.upper()


class StrictReader(Reader):
    def raw(self, name):
        value = super().raw(name)
        if not value:
            abort(422, f"{name} is empty")
        return value
