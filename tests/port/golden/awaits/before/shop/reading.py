"""Helpers that read the request."""

import flask
from flask import request as req


def wanted_name():  # called by views of other modules
    return req.form["name"].strip()


def wanted_names(*, upper=False):
    names = [name for name in flask.request.form.getlist("name")]
    return [name.upper() for name in names] if upper else names


def greeting():
    return f"Hello {wanted_name()}, {req.form['city']}!"


def page_number():
    return int(req.args.get("page", 1))  # no body: stays


def store(file, folder):
    file.save(folder / file.filename)


def fields(source):
    """Called with the request."""
    return {key: source.values[key] for key in sorted(source.values)}


class Reader:
    """Reads JSON."""

    def __init__(self, default):
        self.default = default

    def json(self):
        return req.get_json(silent=True) or self.default

    def first(self):
        return self.json()[0]


class LoudReader(Reader):
    def json(self):
        return [text.upper() for text in super().json()]
