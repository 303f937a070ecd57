"""Attacks that were published against other systems, made against a whole app.

Advisories about bytes on the wire (request smuggling, chunks, frames) are tested in ``protocol/``.
"""

from __future__ import annotations

import asyncio
import gc
import ntpath
import re
import subprocess
import sys
import tomllib
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
from werkzeug.exceptions import NotFound

from asyncflask import (
    Flask,
    g,
    render_template_string,
    render_template_string_async,
    request,
    send_from_directory,
    websocket,
)
from asyncflask.testing.asgi_connection import ASGIConnection
from asyncflask.testing.wire import WireClient

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "secret"
    return app


@pytest.fixture(params=["async", "def"])
def form(request, app):
    """Post a body to a sync and an async view that read the form; return status and text."""
    if request.param == "async":

        @app.post("/")
        async def view():
            return describe(await read_form())

    else:

        @app.post("/")
        def view():
            return describe(request_parts())

    async def post(data, content_type="multipart/form-data; boundary=b"):
        response = await app.test_client().post("/", data=data, content_type=content_type)
        return response.status_code, response.text

    return post


async def read_form():
    return await request.form, await request.files


def request_parts():
    return request.form, request.files


def describe(parts):
    fields, files = parts
    sizes = {name: len(file.stream.read()) for name, file in files.items()}
    return repr([fields.to_dict(), sizes])


def part(header, content):
    return b"--b\r\nContent-Disposition: form-data; " + header + b"\r\n\r\n" + content + b"\r\n"


# -- files -----------------------------------------------------------------------------------------

DEVICES = ["CON", "NUL.txt", "aux", "com1.tar.gz", "sub/NUL", "sub/con.txt", "LPT1 .txt", "CONIN$"]
NETWORK = ["\\\\evil.test\\share", "//evil.test/share", "C:\\secret", "..\\secret", "sub\\..\\x"]


@pytest.fixture
def folder(tmp_path):
    """A folder with every file name that can exist on this system."""
    (tmp_path / "sub").mkdir()
    for name in (*DEVICES, *NETWORK):
        if not name.startswith("/"):
            (tmp_path / name).write_text("x")
    return tmp_path


def status_of(app, folder, name):
    with app.test_request_context():
        try:
            with send_from_directory(folder, name) as response:
                return response.status_code
        except NotFound:
            return 404


@pytest.mark.skipif(sys.platform == "win32", reason="makes files of names that Windows refuses")
@pytest.mark.parametrize("name", [*DEVICES, *NETWORK])
def test_names_that_windows_takes_for_devices_or_hosts_are_404_there(
    app, folder, monkeypatch, name
):
    """GHSA-f9vj-2wh5-fj8j, GHSA-hgf8-39gv-g3f2, GHSA-87hc-h4r5-73f7, GHSA-29vq-49wr-vm6x.

    CVE-2026-48818: no host is contacted for a file. On other systems these names are files.
    """
    elsewhere = status_of(app, folder, name)
    windows = SimpleNamespace(name="nt", path=ntpath)
    monkeypatch.setattr("werkzeug.security.os", windows)
    monkeypatch.setattr("werkzeug.security._os_alt_seps", ["\\"])

    assert elsewhere == (404 if name.startswith("/") else 200)
    assert status_of(app, folder, name) == 404


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 2500, "%2e%2e/" * 1000, "%00", "a%00b" * 999])
async def test_over_long_names_of_static_files_are_404(app, tmp_path, name):
    """Quart 0.22 answers 500 (OSError)."""
    app.static_folder = tmp_path

    assert (await app.test_client().get(f"/static/{name}")).status_code == 404


# -- forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [b"\r", b"\n", b"\r\n", b"\r\n--", b"\r\n--b "])
async def test_a_file_without_line_breaks_is_read_in_linear_time(form, start):
    """CVE-2023-46136: the search for the boundary started again with every piece."""
    content = start + b"x" * 8_000_000
    data = part(b'name="f"; filename="f"', content) + b"--b--\r\n"

    assert await form(data) == (200, f"[{{}}, {{'f': {len(content)}}}]")


@pytest.mark.parametrize(
    "option",
    [
        b'name="' + b"\\" * 100_000 + b'"',
        b'name="a"; x="' + b'\\"' * 3_000,
        b'name="a"' + b"; !=" * 3_000,
        b'name="a";' + b" " * 15_000 + b"x",
        b"name*=utf-8'" + b"'" * 10_000 + b"; name=a",
        b'name="a"' + b"".join(b"; filename*%d=x" % n for n in range(800)),
    ],
    ids=["backslashes", "quotes", "bangs", "spaces", "apostrophes", "continuations"],
)
async def test_options_of_a_part_are_read_in_linear_time(form, option):
    """CVE-2024-24762, CVE-2026-28356; python-multipart 0.0.27 to 0.0.31: ``filename*``."""
    status, _ = await form(part(option, b"1") + b"--b--\r\n")

    assert status in (200, 400, 413)


@pytest.mark.parametrize(
    "option", ["boundary=b" + "; !=" * 50_000, 'boundary="' + "\\" * 100_000, "x" * 200_000]
)
async def test_options_of_a_content_type_are_read_in_linear_time(form, option):
    """CVE-2024-24762."""
    status, _ = await form(b"--b--\r\n", f"multipart/form-data; {option}")

    assert status in (200, 400)


NASTY = {
    "Accept": "a/b;q=0.1," * 10_000,
    "Accept-Language": "de-" * 30_000,
    "Authorization": "Digest " + 'a="\\' * 20_000,
    "Cache-Control": "a=" + '"\\' * 20_000,
    "Cookie": "a=" + '"\\' * 20_000 + ";" * 20_000,
    "If-None-Match": 'W/"' * 20_000,
    "Range": "bytes=" + "0-" * 20_000,
    "Content-Type": "text/html;" + 'a="\\' * 20_000,
    "If-Modified-Since": "Mon, " * 10_000,
}


@pytest.mark.parametrize("name", NASTY)
async def test_every_header_is_parsed_in_linear_time(app, name):
    """CVE-2024-24762 and similar ones: no backtracking in any parser of a header."""

    @app.get("/")
    async def view():
        request.accept_mimetypes.best_match(["a/b"])
        request.accept_languages.best_match(["de"])
        request.authorization, request.cache_control, request.cookies, request.if_none_match
        request.range, request.mimetype_params, request.if_modified_since
        return "x"

    assert (await app.test_client().get("/", headers={name: NASTY[name]})).status_code == 200


async def test_a_form_cut_off_anywhere_is_400(form):
    """CVE-2024-30251: the parser ends. Quart 0.22 returns half a form."""
    whole = part(b'name="a"', b"1") + part(b'name="f"; filename="x"', b"23") + b"--b--"
    answers = {(await form(whole[:length]))[0] for length in range(1, len(whole) - 1)}

    assert answers == {400}
    assert (await form(whole))[1] == "[{'a': '1'}, {'f': 2}]"


def test_malformed_forms_are_refused_under_minus_o_too():
    """CVE-2025-69227: only an ``assert`` ended the parser's loop."""
    code = """
import asyncio, sys
assert False, "This is to run without assertions."
from asyncflask import Flask, request
app = Flask("app")

@app.post("/")
async def view():
    return dict(await request.form)

async def main():
    client = app.test_client()
    for data in (b"--b", b"--b\\r\\n\\r\\n", b"--b\\r\\n: x\\r\\n\\r\\n1\\r\\n--b--", b"x" * 9999):
        answer = await client.post("/", data=data, content_type="multipart/form-data; boundary=b")
        print(answer.status_code)
    print((await client.get("/nowhere")).status_code)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], capture_output=True, text=True, timeout=30, cwd=PROJECT
    )

    assert done.stdout.split() == ["400"] * 4 + ["404"], done.stderr


# -- headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["async", "def"])
async def test_of_two_content_types_the_first_counts_in_sync_and_async_views(app, keyword):
    """Hypercorn issue 280: never a mixture of the two."""

    def view():
        return repr([request.content_type, request.mimetype, request.is_json])

    async def async_view():
        return view()

    app.get("/")(view if keyword == "def" else async_view)
    headers = [("Content-Type", "text/x"), ("Content-Type", "application/json")]
    scope = scope_of(headers=[(k.lower().encode(), v.encode()) for k, v in headers])

    assert (await talk(app, scope))[1] == b"['text/x', 'text/x', False]"


@pytest.mark.parametrize("method", ["CONNECT", "PRI", "TRACE"])
async def test_methods_that_are_not_meant_for_an_app_are_405(app, method):
    """Hypercorn issue 277: CONNECT."""
    app.get("/")(lambda: "x")

    assert (await talk(app, scope_of(method=method)))[0] == 405


@pytest.mark.parametrize("query", [b"a=b", b""])
async def test_a_target_without_a_path_is_400(app, query):
    """Quart 0.22 answers 500 (IndexError) to ``GET ?a=b``."""
    app.get("/")(lambda: "x")

    assert (await talk(app, scope_of(path="", raw_path=b"", query_string=query)))[0] == 400


async def test_a_warning_is_logged_for_a_cookie_that_browsers_drop(app):
    """No id: browsers silently drop a session of over 4093 bytes."""

    @app.get("/")
    async def view():
        response = app.make_response("x")
        response.set_cookie("k", "v" * 5000)
        return response

    with pytest.warns(UserWarning, match="too large"):
        await app.test_client().get("/")


def scope_of(path="/", method="GET", headers=(), **more):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), *headers],
        **more,
    }


async def talk(app, scope):
    async with ASGIConnection(app, scope) as exchange:
        exchange.put({"type": "http.request", "body": b"", "more_body": False})
        start, body = await exchange.take(), await exchange.take()
    return start["status"], body["body"]


# -- templates -------------------------------------------------------------------------------------


def test_urlize_is_linear(app):
    """CVE-2020-28493."""
    text = "http://a." + "a." * 50_000 + "!" + "(" * 50_000 + "a@" * 50_000

    with app.app_context():
        assert render_template_string("{{ text | urlize }}", text=text)


def test_compiled_templates_are_kept_only_in_memory(app):
    """CVE-2014-1402, CVE-2014-0012: no cache in a folder that others can write to."""
    assert app.jinja_env.bytecode_cache is None


@pytest.mark.parametrize(
    "text",
    ["{{ ''.__class__.__mro__ }}", "{% for c in [1].__class__ %}{% endfor %}", "{{ config }}"],
)
async def test_what_a_client_sends_is_never_a_template(app, text):
    """CVE-2016-10745, CVE-2019-10906, GHSA-q2x7-8rv6-6q7h, GHSA-gmj6-6f8f-6699 and similar ones.

    GHSA-cpwx-vrp4-4pq7: not in a value, an error page, or the page of debug mode.
    """
    app.config["DEBUG"] = True
    app.get("/value")(lambda: render_template_string("{{ request.args.q }}"))
    app.get("/abort", endpoint="a")(lambda: app.aborter(400, request.args["q"]))
    app.get("/fail", endpoint="f")(lambda: {}[request.args["q"]])
    client = app.test_client()
    app.config["PROPAGATE_EXCEPTIONS"] = None
    escaped = text.replace("'", "&#39;")
    for path in ("/value", "/abort", "/fail"):
        answer = await client.get(path, query_string={"q": text})
        assert escaped in answer.text or text in answer.text


# -- dependencies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "fixed"),
    [
        ("h11", (0, 16)),  # GHSA-vqfr-h8mv-ghfj (CVE-2025-43859)
        ("jinja2", (3, 1, 6)),  # GHSA-cpwx-vrp4-4pq7
        ("werkzeug", (3, 1, 6)),  # GHSA-29vq-49wr-vm6x
    ],
)
def test_releases_with_known_holes_cannot_be_installed(package, fixed):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    [bound] = [need for need in project["dependencies"] if re.match(rf"{package}\b", need)]
    least = re.search(r">=([\d.]+)", bound)

    assert least is not None
    assert tuple(map(int, least[1].split("."))) >= fixed


# -- websockets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["async", "def"])
async def test_clients_that_disconnect_leave_nothing_behind(app, keyword):
    """Issue 6325 of aiohttp: the objects of each connection are released."""
    alive = weakref.WeakSet()

    class Thing:
        pass

    app.testing = True

    @app.before_websocket
    async def open_thing():
        g.thing = Thing()
        alive.add(g.thing)

    @app.websocket("/async")
    async def ws():
        async for _ in websocket:
            pass

    @app.websocket("/def")
    def sync_ws():
        for _ in websocket:
            raise AssertionError("Nothing was sent.")

    client = app.test_client()
    for _ in range(50):
        async with client.websocket(f"/{keyword}") as connection:
            await connection.disconnect()
    del connection
    gc.collect()

    assert len(alive) <= 1  # (The client keeps its last connection.)


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_forged_x_forwarded_for_line_does_not_hide_the_proxys(app, kind):
    """No id: HAProxy adds its line below the client's; only the first one was seen."""

    @app.get("/async")
    async def async_view():
        return list(request.access_route)

    @app.get("/def")
    def def_view():
        return list(request.access_route)

    headers = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.7")]
    response = await app.test_client().get(f"/{kind}", headers=headers)

    assert response.json == ["6.6.6.6", "203.0.113.7"]


async def test_the_path_of_a_redirect_does_not_choose_the_host(app):
    """No id: `Host: my_app` was dropped, and `http:///evil.test/` leads to evil.test."""
    app.add_url_rule("/<name>/", "page", lambda name: name)

    response = await app.test_client().get("/evil.test", headers={"Host": "my_app"})

    assert response.headers["Location"] == "http://my_app/evil.test/"


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_a_coroutine_in_a_template_is_not_true(app, kind, monkeypatch):
    """No id: a coroutine is true, so `{% if user.is_authenticated() %}` let every user in."""

    class User:
        async def is_authenticated(self):
            return False

    source = "{% if user.is_authenticated() %}secret{% endif %}"

    @app.get("/async")
    async def async_view():
        return await render_template_string_async(source, user=User())

    @app.get("/def")
    def def_view():
        return render_template_string(source, user=User())

    monkeypatch.setattr(app.logger, "disabled", True)
    response = await app.test_client().get(f"/{kind}")

    assert "secret" not in response.text


async def test_a_view_whose_task_was_cancelled_keeps_no_connection(app, caplog):
    """No id: no answer, no deadline and no log, so that each such request took a connection."""

    @app.get("/")
    async def view():
        job = asyncio.create_task(asyncio.sleep(60))
        job.cancel()
        await job

    async with WireClient(app) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

        assert (await wire.receive_all()).startswith(b"HTTP/1.1 500 ")
        assert wire.connections == 0 or wire.closed
    assert "The app at GET '/' failed." in caplog.text


async def test_a_client_that_resets_within_a_body_which_never_waits_does_not_block_others(app):
    """No id: the loop was blocked until the last piece, for a client that had disconnected."""
    closed = []

    @app.get("/")
    async def export():
        async def rows():
            try:
                while True:
                    yield b"x" * 1000
            finally:
                closed.append(True)

        return rows()

    @app.get("/other")
    async def other():
        return "answered"

    async with WireClient(app) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        beside = wire.connect()
        await beside.send(b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await beside.receive()).endswith(b"answered")
        await wire.disconnect()
        await wire.finish()

    assert closed == [True]
