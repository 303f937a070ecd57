"""The facade, whose types are Flask's. No line here has an error."""

import logging
from typing import TYPE_CHECKING, Any, assert_type

from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from asyncflask import Flask as AsyncFlask
from asyncflask.flask import (
    Flask,
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    request,
    send_file,
    session,
)
from asyncflask.typing import ASGIApplication

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

app = Flask(__name__)
async_app = AsyncFlask(__name__)
as_wsgi: "WSGIApplication" = app
as_asgi: ASGIApplication = app


@app.post("/")
def view() -> Response:
    assert_type(request.form["name"], str)
    assert_type(request.files["picture"], FileStorage)
    assert_type(request.get_data(), bytes)
    assert_type(request.get_json(), Any)
    assert_type(request.path, str)
    assert_type(session.permanent, bool)
    assert_type(current_app, Flask)
    return make_response(request.form["name"])


@async_app.post("/")
def view_of_an_async_app() -> str:
    return request.form["name"].upper() + str(request.get_json()["text"])


@app.get("/a")
def answer() -> BaseResponse:
    if request.args:
        return jsonify(a=1)
    if request.host:
        return send_file("a.txt")
    return redirect("/")


@app.before_request
def before() -> None: ...


@app.after_request
def after(response: Response) -> Response:
    return response


assert_type(app.logger, logging.Logger)
assert_type(app.test_client().get("/"), TestResponse)
with app.test_request_context("/"):
    assert_type(app.full_dispatch_request(), Response)
