import os, asyncflask.flask as flask

import asyncflask.flask as flask, asyncflask.flask.views
from asyncflask.flask.views import MethodView
from asyncflask.flask.json.provider import DefaultJSONProvider
from asyncflask.flask import request
from markupsafe import Markup
from asyncflask.flask import *  # noqa

bp = flask.Blueprint("shop", __name__)


class Cart( flask.views.View ):   # odd spaces stay
    def dispatch_request(self):
        from asyncflask.flask import session   # late

        return session.get("cart", []),request.form["x"]


if os.environ.get("OLD"):
	request = flask._request_ctx_stack.top.request
