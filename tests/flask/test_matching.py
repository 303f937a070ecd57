"""Which path a WSGI environ asks for."""

from __future__ import annotations

import flask as oracle
import pytest

from asyncflask import flask
from asyncflask.testing.exchange import Exchange


def answer(module, script_name: str, path_info: str) -> tuple[int, str]:
    """Let an app of Flask's or ours answer an environ whose paths no builder has tidied up."""
    app = module.Flask("app")

    @app.route("/")
    @app.route("/<path:path>")
    def view(path: str = "") -> str:
        return f"{path} at {module.request.path}, root {module.url_for('view')}"

    environ = app.test_request_context("/").request.environ
    environ |= {"SCRIPT_NAME": script_name, "PATH_INFO": path_info}
    with app.request_context(environ):
        response = app.full_dispatch_request()
    return response.status_code, response.get_data(as_text=True)


@pytest.mark.parametrize("path_info", ["", "/", "page", "/page", "@evil.test", "?a=b", "a/b"])
@pytest.mark.parametrize("script_name", ["", "/", "/app", "/app/"])
def test_the_path_is_flasks_with_and_without_slashes(script_name, path_info):
    """Test clients leave the first slash of PATH_INFO away, gunicorn does behind "/app/"."""
    assert answer(flask, script_name, path_info) == answer(oracle, script_name, path_info)


def test_the_test_client_takes_a_path_without_a_slash():
    app = flask.Flask("app")
    app.get("/page")(lambda: "page")

    assert app.test_client().get("page").text == "page"
    assert app.test_client().get("no-page").status_code == 404


@pytest.mark.parametrize("root", ["", "/app"])
@pytest.mark.parametrize("target", ["@evil.test", "?a=b", "page"])
async def test_an_asgi_request_without_a_path_is_refused(root, target):
    """CVE-2026-54282: `@evil.test` is no path below this host."""
    app = flask.Flask("app")
    app.get("/<path:path>")(lambda path: path)
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": target,
        "root_path": root,
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 80),
    }
    async with Exchange(app.asgi_app, scope) as exchange:
        exchange.put({"type": "http.request", "body": b"", "more_body": False})

        assert (await exchange.take())["status"] == 400
