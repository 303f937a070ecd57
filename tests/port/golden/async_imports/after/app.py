import asyncflask.flask

asyncflask.flask.install()

import quart_cors
import flask_somewhere
from asyncflask import Flask  # both have moved
from markupsafe import Markup as M, escape
from asyncflask.testing import TestClient as FlaskClient, CliRunner as Runner
from asyncflask import Blueprint
import asyncflask as facade
import asyncflask.views as views; import asyncflask as flask

app = flask.Flask(__name__)
app.add_url_rule("/", view_func=views.View.as_view("view"))
