"""Promises of ``asyncflask.wrappers.response.send_file``; real Flask is the oracle."""

from __future__ import annotations

import gc
import inspect
import io
import os
import tempfile
from datetime import datetime
from types import SimpleNamespace

import flask
import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound, RequestedRangeNotSatisfiable

from asyncflask import Flask, _contextvars, request
from asyncflask.exceptions import OutOfContext
from asyncflask.testing import WebsocketResponseError
from asyncflask.wrappers.response.asgi import send_response
from asyncflask.wrappers.response.response import Response
from asyncflask.wrappers.response.send_file import send_file, send_from_directory


@pytest.fixture
def root(tmp_path):
    """The app's root: ``static/`` with files, beside places that must not be reached."""
    files = {
        "static/page.html": "<p>hello</p>",
        "static/deep/a.txt": "deep",
        "static/packed.tar.gz": "packed",
        "static/grün ü.txt": "green",
        "static/empty": "",
        "static-secret/s.txt": "secret",
        "secret.txt": "secret",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (10**9, 10**9))
    (tmp_path / "static/escape.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "static/away").symlink_to(tmp_path / "static-secret")
    (tmp_path / "static/inside.txt").symlink_to(tmp_path / "static/deep/a.txt")
    (tmp_path / "static/loop").symlink_to(tmp_path / "static/loop")
    return tmp_path


@pytest.fixture
def app(root):
    """What the functions ask of an app, pushed as the current one with a GET request."""
    app = SimpleNamespace(
        root_path=str(root),
        config={"USE_X_SENDFILE": False, "MAX_COOKIE_SIZE": 4093},
        response_class=Response,
        get_send_file_max_age=lambda path: None,
        request=SimpleNamespace(method="GET", headers=Headers()),
    )
    request_context = SimpleNamespace(request=app.request)
    _contextvars.context_var.set(SimpleNamespace(app=app, request_context=request_context))
    yield app
    _contextvars.context_var.set(None)


@pytest.fixture
def oracle(root):
    """A function that gives Flask's response for the same arguments."""
    flask_app = flask.Flask("oracle", root_path=str(root))

    def answer(function, *args, headers=None, **kwargs):
        with flask_app.test_request_context(headers=headers or {}):
            return function(*args, **kwargs)

    return answer


async def body_of(response):
    chunks = []

    async def send(message):
        chunks.append(message.get("body", b""))

    await send_response(response, "GET", send)
    return b"".join(chunks)


def headers_of(response):
    headers = dict(response.headers)
    headers.pop("Date", None)
    headers.pop("Expires", None)  # One of them may be a second later.
    return headers


@pytest.mark.parametrize("name", ["send_file", "send_from_directory"])
def test_signatures_are_flasks(name):
    ours, theirs = (inspect.signature(o) for o in (globals()[name], getattr(flask, name)))

    assert [(p.name, p.default, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.default, p.kind) for p in theirs.parameters.values()
    ]


ARGUMENTS = [
    {},
    {"as_attachment": True},
    {"as_attachment": True, "download_name": "Ünïcode – name.txt"},
    {"mimetype": "application/x-own"},
    {"download_name": "other.css"},
    {"conditional": False},
    {"etag": False},
    {"etag": "own"},
    {"last_modified": 10**8},
    {"last_modified": datetime(2020, 1, 2, 3, 4, 5)},
    {"max_age": 60},
    {"max_age": 0},
    {"max_age": lambda path: len(path)},
]


@pytest.mark.parametrize("kwargs", ARGUMENTS)
@pytest.mark.parametrize("path", ["static/page.html", "static/packed.tar.gz", "static/grün ü.txt"])
async def test_headers_and_body_are_flasks(app, oracle, path, kwargs):
    ours = send_file(path, **kwargs)
    theirs = oracle(flask.send_file, path, **kwargs)
    theirs.direct_passthrough = False

    assert ours.status == theirs.status
    assert headers_of(ours) == headers_of(theirs)
    assert await body_of(ours) == theirs.get_data()
    theirs.close()


REQUESTS = [
    {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"},
    {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:39 GMT"},
    {"If-None-Match": "*"},
    {"If-None-Match": '"other"'},
    {"Range": "bytes=2-4"},
    {"Range": "bytes=-3"},
    {"Range": "bytes=3-"},
    {"Range": "bytes=0-9999"},
    {"Range": "bytes=2-4", "If-Range": "Sun, 09 Sep 2001 01:46:40 GMT"},
    {"Range": "bytes=2-4", "If-Range": "Sun, 09 Sep 2000 01:46:40 GMT"},
]


@pytest.mark.parametrize("headers", REQUESTS)
async def test_conditional_and_range_requests_are_answered_as_flask_does(app, oracle, headers):
    app.request.headers.update(headers)
    ours = send_file("static/page.html")
    theirs = oracle(flask.send_file, "static/page.html", headers=headers)
    expected = b"".join(theirs.get_app_iter({"REQUEST_METHOD": "GET"}))

    assert ours.status == theirs.status
    assert headers_of(ours) == headers_of(theirs)
    assert await body_of(ours) == expected
    theirs.close()


async def test_etag_of_the_first_answer_makes_the_second_a_304(app):
    app.request.headers["If-None-Match"] = send_file("static/page.html").headers["ETag"]
    response = send_file("static/page.html")

    assert response.status_code == 304
    assert await body_of(response) == b""


@pytest.mark.parametrize("asked", ["bytes=99-", "bytes=4-2", "bytes=a-b", "bytes=0-0,2-2"])
def test_a_range_beyond_the_end_is_416_and_closes_the_file(app, asked):
    app.request.headers["Range"] = asked
    file = io.BytesIO(b"0123456789")
    with pytest.raises(RequestedRangeNotSatisfiable, match="416"):
        send_file(file, mimetype="a/b")

    assert file.closed


def test_thousands_of_ranges_are_416_cve_2025_62727(app):
    """GHSA-7f5h-v6xp-fcq8: parsed in one pass, never merged pairwise."""
    app.request.headers["Range"] = "bytes=" + ",".join(f"{n}-{n}" for n in range(20_000))
    with pytest.raises(RequestedRangeNotSatisfiable, match="416"):
        send_file("static/page.html")


async def test_empty_file_is_sent_whatever_range_is_asked_for(app):
    app.request.headers["Range"] = "bytes=0-0"
    response = send_file("static/empty")

    assert (response.status_code, response.content_length) == (200, 0)
    assert await body_of(response) == b""


async def test_a_bytesio_is_sent_from_its_position(app):
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    response = send_file(file, mimetype="a/b")

    assert response.content_length == 6
    assert await body_of(response) == b"456789"


async def test_range_of_a_bytesio(app):
    app.request.headers["Range"] = "bytes=2-3"
    response = send_file(io.BytesIO(b"0123456789"), download_name="a.txt")

    assert response.content_range.length == 10
    assert await body_of(response) == b"23"


async def test_open_file_without_a_known_size_is_streamed(app, root):
    response = send_file((root / "secret.txt").open("rb"), mimetype="a/b")

    assert response.content_length is None
    assert await body_of(response) == b"secret"


# -- when the file is opened -----------------------------------------------------------------------


def remove(path):
    path.unlink()


def replace(path):
    path.with_suffix(".new").write_bytes(b"another text, which is longer")
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("change", [remove, replace])
@pytest.mark.parametrize("extensions", [{}, {"http.response.pathsend": {}}])
@pytest.mark.parametrize(
    "send", [send_file, lambda path: send_from_directory(path.parent, path.name)]
)
async def test_the_file_that_is_sent_is_the_one_of_the_call(app, root, change, extensions, send):
    path = root / "static/page.html"
    response = send(path)
    change(path)
    messages = []

    async def keep(message):
        messages.append(message)

    await send_response(response, "GET", keep, extensions=extensions)

    assert response.content_length == 12
    assert b"".join(message.get("body", b"") for message in messages) == b"<p>hello</p>"
    assert response.response.file.closed


async def test_a_range_of_a_removed_file_is_sent(app, root):
    app.request.headers["Range"] = "bytes=3-7"
    response = send_file(root / "static/page.html")
    (root / "static/page.html").unlink()

    assert await body_of(response) == b"hello"


async def test_a_file_in_its_place_is_left_to_a_server_that_offers_it(app, root):
    messages = []

    async def keep(message):
        messages.append(message)

    offered = {"http.response.pathsend": {}}
    await send_response(send_file("secret.txt"), "GET", keep, extensions=offered)

    assert messages[1] == {"type": "http.response.pathsend", "path": str(root / "secret.txt")}


@pytest.mark.parametrize(
    ("name", "kind"), [("static", IsADirectoryError), ("none", FileNotFoundError)]
)
def test_a_file_that_cannot_be_opened_is_flasks_error_in_the_view(app, oracle, name, kind):
    with pytest.raises(kind, match=name):
        send_file(name)
    with pytest.raises(kind, match=name):
        oracle(flask.send_file, name)


def test_with_x_sendfile_the_file_is_not_opened(app):
    app.config["USE_X_SENDFILE"] = True

    assert send_file("secret.txt").headers["X-Sendfile"].endswith("secret.txt")
    with pytest.raises(FileNotFoundError, match="none"):
        send_file("none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_opened_where_it_would_wait_for_its_writer(app, root):
    os.mkfifo(root / "pipe")

    assert send_file("pipe", conditional=False).response.file is None


def open_files(folder):
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return [link for link in map(os.path.realpath, links) if link.startswith(str(folder))]


@pytest.fixture(name="served")
def _served(root, monkeypatch):
    """A served app; ``/<how>`` makes the response of a file and does something with it."""
    served = Flask("served", root_path=str(root))
    monkeypatch.setattr(served.logger, "disabled", True)

    @served.route("/<how>")
    async def view(how):
        response = send_file(root / "secret.txt")
        if how == "other":
            return "something else"
        if how == "error":
            raise LookupError(how)
        return response

    @served.route("/def/sent")
    def def_view():
        return send_file(root / "secret.txt")

    @served.websocket("/refused")
    async def refuse():
        return send_file(root / "secret.txt", conditional=False)

    @served.after_request
    async def change(response):
        if request.args.get("after") == "replace":
            return served.response_class("replaced")
        if request.args.get("after") == "fail":
            raise LookupError("after")
        return response

    return served


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sent", 200),
        ("/def/sent", 200),
        ("/static/page.html", 200),
        ("/other", 200),
        ("/error", 500),
        ("/sent?after=replace", 200),
        ("/sent?after=fail", 500),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=90-"}, {"If-None-Match": "*"}])
async def test_no_file_is_left_open(served, root, method, path, status, headers):
    response = await served.test_client().open(path, method=method, headers=headers)
    gc.collect()  # Of errors, whose tracebacks refer to the response.

    assert response.status_code in {status, 304 if "If-None-Match" in headers else 416}
    assert open_files(root) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
async def test_a_client_that_disconnects_leaves_no_file_open(served, root):
    (root / "secret.txt").write_bytes(bytes(1_000_000))
    async with served.test_client().request("/sent") as connection:
        await connection.receive()
        await connection.disconnect()
    gc.collect()

    assert open_files(root) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
async def test_a_file_that_refuses_a_websocket_is_closed(served, root):
    with pytest.raises(WebsocketResponseError) as caught:
        async with served.test_client().websocket("/refused") as connection:
            await connection.receive()

    assert caught.value.response.data == b"secret"
    assert open_files(root) == []


async def test_a_file_may_be_in_a_temporary_folder_of_the_view(served):
    @served.route("/made/<kind>")
    async def made(kind):
        with tempfile.TemporaryDirectory() as folder:
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                file.write(b"made")
                file.flush()
                return (
                    send_file(file.name)
                    if kind == "path"
                    else send_from_directory(folder, os.path.basename(file.name))
                )

    for kind in ("path", "directory"):
        assert (await served.test_client().get(f"/made/{kind}")).data == b"made"


def test_text_file_is_refused(app):
    with pytest.raises(ValueError, match="binary mode"):
        send_file(io.StringIO("x"), mimetype="a/b")


def test_nameless_file_needs_a_mimetype_or_name(app):
    with pytest.raises(TypeError, match="mimetype='…' or download_name"):
        send_file(io.BytesIO(b"x"))
    with pytest.raises(TypeError, match="download_name"):
        send_file(io.BytesIO(b"x"), mimetype="a/b", as_attachment=True)


def test_missing_file_is_an_error_of_the_caller(app):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        send_file("nowhere")


def test_app_decides_the_default_max_age(app):
    app.get_send_file_max_age = lambda path: 7 if path.endswith("page.html") else None

    assert send_file("static/page.html").cache_control.max_age == 7


async def test_x_sendfile_leaves_length_and_ranges_to_the_server_in_front(app, root):
    app.config["USE_X_SENDFILE"] = True
    app.request.headers["Range"] = "bytes=0-1"
    response = send_file("static/page.html")

    assert response.headers["X-Sendfile"] == str(root / "static/page.html")
    assert response.status_code == 200
    assert await body_of(response) == b""


def test_x_sendfile_is_removed_from_a_304(app):
    app.config["USE_X_SENDFILE"] = True
    app.request.headers["If-None-Match"] = "*"
    app.request.headers["If-Modified-Since"] = "Sun, 09 Sep 2001 01:46:40 GMT"

    assert "X-Sendfile" not in send_file("static/page.html").headers


def test_outside_of_an_app_or_request_the_error_says_so(app):
    _contextvars.context_var.set(SimpleNamespace(app=app, request_context=None))
    with pytest.raises(OutOfContext, match="conditional=False"):
        send_file("static/page.html")
    assert send_file("static/page.html", conditional=False).status_code == 200

    _contextvars.context_var.set(None)
    with pytest.raises(OutOfContext, match="outside of an app"):
        send_file("static/page.html")


# -- send_from_directory ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["page.html", "deep/a.txt", "deep/../page.html"])
async def test_files_inside_are_sent_as_by_flask(app, oracle, path):
    ours = send_from_directory("static", path, as_attachment=True)
    theirs = oracle(flask.send_from_directory, "static", path, as_attachment=True)
    theirs.direct_passthrough = False

    assert headers_of(ours) == headers_of(theirs)
    assert await body_of(ours) == theirs.get_data()
    theirs.close()


async def test_link_that_stays_inside_is_followed(app):
    assert await body_of(send_from_directory("static", "inside.txt")) == b"deep"


async def test_directory_may_itself_be_a_link(app):
    assert await body_of(send_from_directory("static/away", "s.txt")) == b"secret"


OUTSIDE = [
    "../secret.txt",
    "deep/../../secret.txt",
    "/etc/passwd",
    "",
    ".",
    "deep",
    "missing.txt",
    "page.html/x",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_is_no_file_inside_is_404(app, path):
    """CVE-2024-23334, CVE-2017-16762: ``..`` in any disguise."""
    with pytest.raises(NotFound, match="404"):
        send_from_directory("static", path)


@pytest.mark.parametrize("path", ["escape.txt", "away/s.txt", "loop"])
def test_link_that_leads_out_is_404_cve_2024_23334(app, path):
    with pytest.raises(NotFound, match="404"):
        send_from_directory("static", path)


def test_sibling_with_the_same_prefix_is_404_cve_2023_29159(app):
    with pytest.raises(NotFound, match="404"):
        send_from_directory("static", "../static-secret/s.txt")


@pytest.mark.parametrize(
    "path", ["a" * 5000, "a/" * 5000, "a\0b", "\0", "page.html\0.txt", "\udcff"]
)
def test_over_long_or_malformed_name_is_404(app, path):
    """Quart 0.22 answers 500 to a 5000-byte name."""
    with pytest.raises(NotFound, match="404"):
        send_from_directory("static", path)


async def test_an_after_request_function_reads_a_sent_file(served):
    @served.after_request
    async def note(response):
        with pytest.raises(RuntimeError, match=r"passthrough mode.*\n\n.*await response.read\(\)"):
            response.get_data()
        response.headers["X-Data"] = (await response.read()).decode()
        return response

    response = await served.test_client().get("/sent")

    assert response.headers["X-Data"] == "secret"
    assert (response.data, response.content_length) == (b"secret", 6)


async def test_a_def_after_request_function_reads_a_sent_file(served):
    @served.after_request
    def note(response):
        response.direct_passthrough = False
        response.headers["X-Data"] = response.get_data(as_text=True)
        return response

    response = await served.test_client().get("/sent")

    assert (response.headers["X-Data"], response.data) == ("secret", b"secret")
