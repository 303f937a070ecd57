#!/usr/bin/env python
"""A shop."""

from __future__ import annotations

# Extensions come first here.
import flask_login
import flask as fl
from flask import (
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
