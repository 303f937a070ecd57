#!/usr/bin/env python
"""A shop."""

from __future__ import annotations

import asyncflask.flask

asyncflask.flask.install()

# Extensions come first here.
import flask_login
import asyncflask.flask as fl
from asyncflask.flask import (
    Flask,  # the app
    request as req,

    jsonify,  # JSON
)

from . import views

login = flask_login.LoginManager()


def create_app() -> Flask:
    app = Flask(__name__)
    login.init_app(app)
    app.register_blueprint(views.bp)
    assert fl.Flask is Flask
    return app
