import os, flask

import flask.views
from flask.views import MethodView
from flask.json.provider import DefaultJSONProvider
from flask import request, Markup
from flask import *  # noqa

bp = flask.Blueprint("shop", __name__)


class Cart( flask.views.View ):   # odd spaces stay
    def dispatch_request(self):
        from flask import session   # late

        return session.get("cart", []),request.form["x"]


if os.environ.get("OLD"):
	request = flask._request_ctx_stack.top.request
