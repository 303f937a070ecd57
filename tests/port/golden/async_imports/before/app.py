import quart_cors
import flask_somewhere
from flask import Flask, Markup as M, escape  # both have moved
from flask.testing import FlaskClient, FlaskCliRunner as Runner
from asyncflask.flask import Blueprint
import asyncflask.flask as facade
import flask.views as views; import flask

app = flask.Flask(__name__)
app.add_url_rule("/", view_func=views.View.as_view("view"))
