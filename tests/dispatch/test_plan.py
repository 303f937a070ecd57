"""What is registered for an endpoint is seen by the next request, however it was registered."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from werkzeug.exceptions import NotFound

from asyncflask import (
    Flask,
    Response,
    after_this_request,
    g,
    has_app_context,
    request,
    session,
    signals,
)
from asyncflask.concurrency.errors import EscapedError
from asyncflask.sessions import SecureCookieSession, SecureCookieSessionInterface, opens_early

SIGNALS = (
    *("request_started", "request_finished", "request_tearing_down"),
    *("appcontext_pushed", "appcontext_popped", "appcontext_tearing_down"),
)
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    b"Hello\r\n--b--\r\n"
)
UPLOAD_HEADERS = [
    (b"content-type", b"multipart/form-data; boundary=b"),
    (b"content-length", b"%d" % len(UPLOAD)),
]


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)

    @app.route("/", methods=["GET", "POST"])
    async def index():
        return "Hello"

    return app


async def ask(app, path="/", method="GET", headers=(), body=b""):
    """Return status, headers and body of a response, without the test client."""
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"a"), *headers],
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, end = sent
    return start["status"], dict(start["headers"]), end["body"]


async def test_a_view_alone_is_served(app):
    assert await ask(app) == (
        200,
        {b"content-type": b"text/html; charset=utf-8", b"content-length": b"5"},
        b"Hello",
    )


@pytest.mark.parametrize(
    "register",
    [
        lambda app, hook: app.before_request_funcs.setdefault(None, []).append(hook),
        lambda app, hook: setattr(app, "before_request_funcs", {None: [hook]}),
        lambda app, hook: app.after_request_funcs.setdefault(None, []).append(hook),
        lambda app, hook: setattr(app, "after_request_funcs", defaultdict(list, {None: [hook]})),
        lambda app, hook: app.teardown_request_funcs.setdefault(None, []).append(hook),
        lambda app, hook: setattr(app, "teardown_request_funcs", {None: [hook]}),
        lambda app, hook: app.teardown_appcontext_funcs.append(hook),
        lambda app, hook: setattr(app, "teardown_appcontext_funcs", [hook]),
        lambda app, hook: app.url_value_preprocessors.setdefault(None, []).append(hook),
        lambda app, hook: setattr(app, "url_value_preprocessors", {None: [hook]}),
    ],
)
async def test_what_is_registered_after_the_first_request_runs(app, register):
    ran = []

    async def hook(*args):
        ran.append(len(args))
        return args[0] if len(args) == 1 else None

    assert (await ask(app))[2] == b"Hello"
    register(app, hook)

    assert (await ask(app))[2] == b"Hello"
    assert len(ran) == 1


@pytest.mark.parametrize("name", SIGNALS)
async def test_a_receiver_connected_after_the_first_request_is_called(app, name):
    heard = []

    async def receiver(sender, **values):
        heard.append(sender)

    await ask(app)
    with getattr(signals, name).connected_to(receiver, app):
        await ask(app)
    await ask(app)

    assert heard == [app]


async def test_a_receiver_connected_in_the_view_gets_the_signals_after_it(app):
    heard = []

    def receiver(sender, response, **values):
        heard.append(response.status_code)

    @app.get("/connect")
    async def connect():
        signals.request_finished.connect(receiver, app)
        return "Hello", 202

    await ask(app, "/connect")

    assert heard == [202]


async def test_a_receiver_connected_in_an_after_function_gets_the_signals_after_it(app):
    heard = []

    def receiver(sender, response, **values):
        heard.append(response.status_code)

    @app.after_request
    async def connect(response):
        signals.request_finished.connect(receiver, app)
        return response

    await ask(app)

    assert heard == [200]


# -- functions before the view ---------------------------------------------------------------------


async def test_what_a_before_function_returns_is_the_response(app):
    @app.before_request
    async def close():
        return "Closed", 503

    @app.after_request
    async def note(response):
        response.headers["X-Seen"] = str(response.status_code)
        return response

    status, headers, body = await ask(app)

    assert (status, headers[b"x-seen"], body) == (503, b"503", b"Closed")


async def test_a_before_function_may_choose_another_rule(app):
    @app.get("/words/<word>")
    async def show(word):
        return word

    @app.before_request
    async def choose():
        request.url_rule = next(app.url_map.iter_rules("show"))
        request.view_args = {"word": "tea"}

    assert (await ask(app))[2] == b"tea"


async def test_a_before_function_may_refuse_as_if_no_rule_had_matched(app):
    @app.before_request
    async def hide():
        request.routing_exception = NotFound()

    assert (await ask(app))[0] == 404


async def test_a_before_function_that_is_added_by_another_runs_in_the_same_request(app):
    ran = []

    @app.before_request
    async def first():
        ran.append("first")
        app.before_request_funcs[None].append(second)

    async def second():
        ran.append("second")

    assert (await ask(app))[2] == b"Hello"
    assert ran == ["first", "second"]


async def test_an_after_function_that_returns_no_response_is_a_500_that_names_it(app, caplog):
    @app.after_request
    async def forgetful(response):
        response.headers["X-Seen"] = "1"

    assert (await ask(app))[0] == 500
    assert "forgetful" in caplog.text


# -- steps, sessions, errors -----------------------------------------------------------------------


async def test_a_step_that_is_replaced_after_the_first_request_is_taken(app):
    await ask(app)
    app.make_response = lambda result: app.response_class("replaced")

    assert (await ask(app))[2] == b"replaced"
    del app.make_response
    assert (await ask(app))[2] == b"Hello"


class Interface(SecureCookieSessionInterface):
    async def open_session(self, app, request):
        return SecureCookieSession({"opened": "by Interface"})


@pytest.mark.parametrize("where", ["app", "class"])
async def test_a_session_interface_that_is_assigned_later_opens_the_session(app, where, request):
    @app.get("/session")
    async def show():
        return session.get("opened", "by nobody")

    class Own(Flask):
        pass

    app.__class__ = Own
    assert (await ask(app, "/session"))[2] == b"by nobody"
    if where == "app":
        app.session_interface = Interface()
    else:
        Own.session_interface = Interface()

    assert (await ask(app, "/session"))[2] == b"by Interface"


def test_only_a_session_that_is_read_or_saved_otherwise_is_opened_early():
    class Saves(SecureCookieSessionInterface):
        def save_session(self, app, session, response):
            pass

    assert not opens_early(SecureCookieSessionInterface())
    assert opens_early(Interface())
    assert opens_early(Saves())


async def test_after_this_request_runs_where_nothing_else_does(app):
    @app.get("/after")
    async def view():
        @after_this_request
        async def mark(response):
            response.headers["X-After"] = "yes"
            return response

        return "Hello"

    assert (await ask(app, "/after"))[1][b"x-after"] == b"yes"


async def test_a_session_that_the_view_changed_is_saved(app):
    app.secret_key = "key"

    @app.get("/count")
    async def count():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    _, headers, body = await ask(app, "/count")
    assert body == b"1"
    cookie = headers[b"set-cookie"].partition(b";")[0]
    assert (await ask(app, "/count", headers=[(b"cookie", cookie)]))[2] == b"2"


async def test_a_permanent_session_that_is_not_read_is_sent_again(app):
    app.secret_key = "key"

    @app.get("/begin")
    async def begin():
        session.permanent = True
        return ""

    cookie = (await ask(app, "/begin"))[1][b"set-cookie"].partition(b";")[0]

    assert b"set-cookie" in (await ask(app, headers=[(b"cookie", cookie)]))[1]


async def test_an_error_of_the_view_finds_its_handler_and_g_is_still_there(app):
    @app.get("/fail")
    async def fail():
        g.name = "Ada"
        raise LookupError("lost")

    @app.errorhandler(LookupError)
    async def handle(error):
        return f"{g.name}: {error}", 418

    status, _, body = await ask(app, "/fail")
    assert (status, body) == (418, b"Ada: lost")


async def test_an_error_that_is_not_handled_is_a_500(app, caplog):
    @app.get("/fail")
    async def fail():
        raise LookupError("lost")

    assert (await ask(app, "/fail"))[0] == 500
    assert "LookupError: lost" in caplog.text


async def test_an_error_page_that_cannot_be_made_is_a_500(app, monkeypatch, caplog):
    def get_body(self, *args):
        raise LookupError("no template")

    monkeypatch.setattr(NotFound, "get_body", get_body)

    assert (await ask(app, "/nowhere"))[0] == 500
    assert "LookupError: no template" in caplog.text


@pytest.mark.parametrize("value", [None, 7, {"a": object()}])
async def test_a_result_that_cannot_be_sent_is_a_500_and_no_error_of_the_views(app, value, caplog):
    asked = []

    @app.get("/wrong")
    async def wrong():
        return value

    @app.errorhandler(TypeError)
    async def handle(error):
        asked.append(error)
        return "handled"

    # As in Flask: errors of making a response are handled by the handler of 500 only.
    status, _, _ = await ask(app, "/wrong")

    assert (status, asked) == (500, [])
    assert "TypeError" in caplog.text


async def test_uploads_are_closed_when_the_response_is_made(app):
    kept = []

    @app.post("/upload")
    async def upload():
        kept.append((await request.files)["file"])
        return kept[0].filename

    assert (await ask(app, "/upload", "POST", UPLOAD_HEADERS, UPLOAD))[2] == b"a.txt"
    assert kept[0].stream.closed


async def test_a_cancelled_view_closes_its_uploads(app):
    kept = []

    @app.post("/upload")
    async def upload():
        kept.append((await request.files)["file"])
        await asyncio.Event().wait()

    task = asyncio.create_task(ask(app, "/upload", "POST", UPLOAD_HEADERS, UPLOAD))
    while not kept:
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept[0].stream.closed


async def test_contexts_are_popped_in_every_case(app):
    @app.get("/fail")
    async def fail():
        raise SystemExit(3)

    with pytest.raises(EscapedError, match=r"SystemExit\(3\) was raised in GET '/fail'") as raised:
        await ask(app, "/fail")
    assert isinstance(raised.value.__cause__, SystemExit)
    assert not has_app_context()
    assert (await ask(app))[2] == b"Hello"
    assert not has_app_context()


async def test_a_response_class_is_used_wherever_and_whenever_it_is_assigned(app, monkeypatch):
    class Markdown(Response):
        default_mimetype = "text/markdown"

    async def content_type():
        return (await ask(app))[1][b"content-type"]

    assert await content_type() == b"text/html; charset=utf-8"

    app.response_class = Markdown
    assert await content_type() == b"text/markdown; charset=utf-8"

    del app.response_class
    assert await content_type() == b"text/html; charset=utf-8"

    monkeypatch.setattr(Flask, "response_class", Markdown)
    assert await content_type() == b"text/markdown; charset=utf-8"

    monkeypatch.undo()
    assert await content_type() == b"text/html; charset=utf-8"


async def test_a_property_chooses_the_response_class_of_each_response():
    class Markdown(Response):
        default_mimetype = "text/markdown"

    class Choosy(Flask):
        @property
        def response_class(self):
            return Markdown if request.path == "/markdown" else Response

    app = Choosy(__name__, static_folder=None)

    @app.get("/")
    @app.get("/markdown")
    async def show():
        return "Hello"

    answers = [await ask(app, path) for path in ("/", "/markdown", "/")]

    types = [headers[b"content-type"].partition(b";")[0] for _, headers, _ in answers]
    assert types == [b"text/html", b"text/markdown", b"text/html"]
