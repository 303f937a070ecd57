"""The interactive debugger: which clients get a page, a console and a PIN prompt."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace

import pytest
import werkzeug.debug
from werkzeug.debug import get_pin_and_cookie_name

import asyncflask
from asyncflask.debug.debugger import KEPT
from asyncflask.views import MethodView

PIN = "123-456-789"


@pytest.fixture(autouse=True)
def failing(app):
    @app.route("/async", methods=["GET", "POST"])
    async def fail_async():
        price = 41
        raise ValueError(f"<b>{price}</b>")

    @app.route("/def", methods=["GET", "POST"])
    def fail_def():
        price = 41
        raise ValueError(f"<b>{price}</b>")

    @app.get("/")
    async def index():
        return "Hello"


VIEWS = pytest.mark.parametrize("path", ["/async", "/def"])


def view_of(path):
    return f"fail_{path[1:]}"


# -- pages and consoles ----------------------------------------------------------------------------


@VIEWS
async def test_an_error_is_answered_with_werkzeugs_page(developer, path):
    response = await developer.open(path)

    assert response.status_code == 500
    assert response.mimetype == "text/html"
    assert "EVALEX = true" in response.text
    assert "EVALEX_TRUSTED = false" in response.text
    assert developer.frame(view_of(path))


@VIEWS
async def test_the_console_evaluates_in_a_frame_once_the_pin_was_given(developer, path):
    await developer.open(path)

    assert await developer.unlock() == {"auth": True, "exhausted": False}
    assert await developer.evaluate(view_of(path), "price + 1") == ">>> price + 1\n42"


async def test_pages_and_consoles_are_reached_on_any_path(app, developer):
    await developer.open("/async")
    await developer.unlock(path="/nowhere")

    assert "41" in await developer.evaluate("fail_async", "price", path="/a/b")


async def test_a_page_for_a_client_with_the_pin_is_unlocked_at_once(developer):
    await developer.open("/async")
    await developer.unlock()

    assert "EVALEX_TRUSTED = true" in (await developer.open("/async")).text


@pytest.mark.parametrize(
    ("name", "mimetype"), [("style.css", "text/css"), ("debugger.js", "text/javascript")]
)
async def test_the_pages_resources_are_served(developer, name, mimetype):
    args = {"__debugger__": "yes", "cmd": "resource", "f": name}
    response = await developer.client.get("/async", query_string=args)

    assert (response.status_code, response.mimetype) == (200, mimetype)


async def test_the_standalone_console_knows_the_app(app, developer):
    app.shell_context_processor(lambda: {"shelf": "tea"})
    await developer.open("/console")
    await developer.unlock()

    assert "'tea'" in await developer.evaluate(None, "shelf")
    assert "'shop'" in await developer.evaluate(None, "app.name")
    assert "Error" not in await developer.evaluate(None, "g.seen = 1")


async def test_the_app_is_served_as_without_the_debugger(developer):
    assert (await developer.open("/?x__debugger__=yes")).text == "Hello"
    assert (await developer.open("/?__debugger__=no")).text == "Hello"


async def test_an_error_is_logged_once_with_its_request(developer, caplog):
    await developer.open("/async")

    errors = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in errors] == ["Exception on /async [GET]"]


async def test_the_oldest_tracebacks_are_forgotten(app, developer):
    """Each one keeps the variables of all of its frames."""
    await developer.open("/async")
    await developer.unlock()
    first, secret = developer.frame("fail_async"), developer.secret
    for _ in range(KEPT):
        await developer.open("/async")

    response = await developer.command(cmd="price", frm=first, s=secret)
    assert response.status_code == 404
    assert "no longer kept" in response.text
    assert len(app.debugger._werkzeug.frame_contexts) == len(app.debugger._werkzeug.frames)


async def test_an_error_that_the_app_handles_has_no_page(app, developer):
    app.register_error_handler(ValueError, lambda error: ("handled", 418))

    assert (await developer.open("/async")).text == "handled"


async def test_with_propagation_switched_off_the_plain_500_is_sent(app, developer):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    assert "Werkzeug Debugger" not in (await developer.open("/async")).text


async def test_errors_of_middleware_have_a_page_too(app, developer):
    async def middleware(scope, receive, send):
        raise LookupError("in middleware")

    app.asgi_app = middleware

    assert "LookupError" in (await developer.open("/")).text
    assert developer.frame("middleware")


async def test_middleware_inside_sees_the_error(app, developer):
    """Flask: error trackers are WSGI middleware inside of the debugger's."""
    seen = []
    inner = app.asgi_app

    async def tracker(scope, receive, send):
        try:
            await inner(scope, receive, send)
        except ValueError as error:
            seen.append(error)
            raise

    app.asgi_app = tracker
    await developer.open("/async")

    assert len(seen) == 1


async def test_a_head_request_gets_no_body(developer):
    response = await developer.open("/async", method="HEAD")

    assert (response.status_code, response.data) == (500, b"")


# -- frames ----------------------------------------------------------------------------------------


def fail():
    raise LookupError("here")


def add_failures(app):
    """Add routes that fail in each kind of the app's code; return each path and first function."""

    @app.before_request
    async def hook():
        if asyncflask.request.path == "/hook":
            fail()

    @app.before_request
    def def_hook():
        if asyncflask.request.path == "/def-hook":
            fail()

    @app.after_request
    def after(response):
        if asyncflask.request.path == "/after":
            fail()
        return response

    @app.get("/template")
    async def template():
        return asyncflask.render_template_string("{{ fail() }}", fail=fail)

    @app.get("/def-template")
    def def_template():
        return asyncflask.render_template_string("{{ fail() }}", fail=fail)

    @app.get("/handled")
    async def handled():
        raise KeyError("first")

    @app.errorhandler(KeyError)
    async def handler(error):
        fail()

    class View(MethodView):
        def get(self):
            fail()

    app.add_url_rule("/class", view_func=View.as_view("class"))
    for path in ("/hook", "/def-hook", "/after"):
        app.add_url_rule(path, path[1:], lambda: "never")
    return {
        "/async": ["fail_async"],
        "/def": ["fail_def"],
        "/hook": ["hook", "fail"],
        "/def-hook": ["def_hook", "fail"],
        "/after": ["after", "fail"],
        "/template": ["template", "top-level template code", "fail"],
        "/def-template": ["def_template", "top-level template code", "fail"],
        "/class": ["get", "fail"],
        "/handled": ["handled", "handler", "fail"],
    }


async def test_the_first_frame_is_the_apps(app, developer):
    for path, expected in add_failures(app).items():
        await developer.open(path)

        functions = [html.unescape(name) for name in developer.functions()]
        assert functions[0] == expected[0], (path, functions)
        assert [name for name in functions if name in expected] == expected
        assert not re.search(r"asyncflask/(asgi|dispatch|concurrency)", developer.page)


async def test_frames_that_the_apps_code_called_are_shown(app, developer):
    @app.get("/url")
    async def link():
        return asyncflask.url_for("nowhere")

    await developer.open("/url")

    assert developer.functions()[0] == "link"
    assert "url_for" in developer.functions()


async def test_frames_of_the_apps_own_middleware_are_shown(app, developer):
    inner = app.asgi_app

    async def middleware(scope, receive, send):
        await inner(scope, receive, send)

    app.asgi_app = middleware
    await developer.open("/async")

    assert developer.functions() == ["middleware", "fail_async"]


async def test_traceback_hide_in_the_apps_code_is_respected(app, developer):
    @app.get("/hidden")
    def outer():
        __traceback_hide__ = True
        fail()

    await developer.open("/hidden")

    assert developer.functions() == ["fail"]


# -- off -------------------------------------------------------------------------------------------


def test_it_is_off_by_default(api):
    assert api.Flask("shop").use_debugger is False


@pytest.mark.parametrize("query", ["cmd=resource&f=style.css", "cmd=printpin", "traceback=1"])
async def test_outside_of_debug_mode_nothing_answers(app, developer, query):
    """Also tracebacks that were kept before: debug mode may be switched off while the app runs."""
    await developer.open("/async")
    await developer.unlock()
    app.debug = False
    query += f"&s={developer.secret}"

    assert (await developer.open(f"/?__debugger__=yes&{query}")).text == "Hello"
    assert (await developer.open("/console")).status_code == 404
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert "Traceback" not in (await developer.open("/async")).text


async def test_debug_mode_alone_does_not_open_it(app, developer):
    app.use_debugger = False

    assert (await developer.open("/?__debugger__=yes&cmd=printpin")).text == "Hello"


async def test_a_class_may_switch_it_on(app, developer):
    class Debugged(type(app)):
        use_debugger = True

    app.use_debugger = False
    app.__class__ = Debugged
    await developer.open("/async")

    assert developer.frame("fail_async")


# -- security --------------------------------------------------------------------------------------


async def test_the_errors_text_is_escaped(developer):
    """CVE-2016-10516. (Werkzeug repeats the text in a comment, which it cannot end.)"""
    text = (await developer.open("/async")).text
    before, _, comment = text.partition("<!--")

    assert "&lt;b&gt;41&lt;/b&gt;" in before
    assert "<b>41" not in before
    assert comment.count("-->") == 1


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "192.0.2.1", "127.0.0.1.x"])
async def test_another_host_gets_a_page_without_console_and_secret(developer, host):
    """GHSA-2g68-c3qc-8985: a page of another site makes the browser use that site's name."""
    text = (await developer.open("/async", headers={"Host": host})).text

    assert "EVALEX = false" in text
    assert 'SECRET = ""' in text


@pytest.mark.parametrize(
    "args", [{"cmd": "pinauth", "pin": PIN}, {"cmd": "printpin"}, {"traceback": 1}]
)
async def test_commands_from_another_host_are_refused(developer, caplog, args):
    """GHSA-2g68-c3qc-8985."""
    await developer.open("/async")
    caplog.clear()
    response = await developer.command(host="evil.test", **args)

    assert response.status_code == 400
    assert PIN not in caplog.text


async def test_nothing_is_evaluated_for_another_host(developer):
    """GHSA-2g68-c3qc-8985: not even for a browser that has the cookie."""
    await developer.open("/async")
    await developer.unlock()
    frame = developer.frame("fail_async")
    cookie = developer.client.get_cookie(developer.app.debugger._werkzeug.pin_cookie_name)
    headers = {"Host": "evil.test", "Cookie": f"{cookie.key}={cookie.value}"}
    args = {"__debugger__": "yes", "s": developer.secret, "cmd": "price", "frm": frame}
    response = await developer.client.get("/", query_string=args, headers=headers)

    assert response.status_code in (400, 404)
    assert "41" not in response.text


async def test_the_standalone_console_is_not_for_other_hosts(developer):
    """GHSA-2g68-c3qc-8985."""
    response = await developer.open("/console", headers={"Host": "evil.test"})

    assert response.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1", "shop.localhost:80"])
async def test_localhost_is_trusted(developer, host):
    text = (await developer.open("/async", headers={"Host": host})).text

    assert "EVALEX = true" in text


async def test_more_hosts_may_be_trusted(app, developer):
    app.debugger.trusted_hosts.append("dev.test")
    assert "EVALEX = true" in (await developer.open("/async", headers={"Host": "dev.test"})).text

    app.debugger.trusted_hosts = ["other.test"]
    assert "EVALEX = false" in (await developer.open("/async", headers={"Host": "dev.test"})).text


async def test_without_the_pin_nothing_is_evaluated(developer):
    await developer.open("/async")
    response = await developer.command(cmd="price", frm=developer.frame("fail_async"))

    assert response.status_code == 404
    assert "41" not in response.text


async def test_without_the_secret_nothing_is_evaluated(developer):
    """A page of another site knows neither the secret nor the number of a frame."""
    await developer.open("/async")
    await developer.unlock()
    frame = developer.frame("fail_async")

    for secret in ("", "wrong", "\u00e4"):
        response = await developer.command(cmd="price", frm=frame, s=secret)
        assert response.status_code == 404
    assert (await developer.command(traceback=1, s="wrong")).status_code == 404


async def test_after_ten_wrong_pins_the_right_one_is_refused(developer, monkeypatch):
    """Werkzeug 3.1.4: the tenth failure locks, not the eleventh."""
    quick = SimpleNamespace(sleep=lambda seconds: None, time=werkzeug.debug.time.time)
    monkeypatch.setattr(werkzeug.debug, "time", quick)
    await developer.open("/async")
    for _ in range(10):
        assert await developer.unlock("000-000-000") == {"auth": False, "exhausted": False}

    assert await developer.unlock() == {"auth": False, "exhausted": True}


@pytest.fixture
def unset(monkeypatch):
    for name in ("WERKZEUG_DEBUG_PIN", "container"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_in_a_container_the_pin_is_random(api, unset):
    """CVE-2019-14806: Werkzeug derives the same PIN in each container of an image."""
    unset.setenv("container", "podman")
    one, other = api.Flask("shop").debugger, api.Flask("shop").debugger
    computed, _ = get_pin_and_cookie_name(one._werkzeug.app)

    assert re.fullmatch(r"\d{3}-\d{3}-\d{3}", one.pin)
    assert len({one.pin, other.pin, computed}) == 3
    assert one._werkzeug.pin_cookie_name
    assert one.pin == one._werkzeug.pin  # Reading the cookie's name has not changed it back.


def test_a_pin_that_was_set_is_used_in_a_container_too(api, unset):
    unset.setenv("container", "podman")
    unset.setenv("WERKZEUG_DEBUG_PIN", "42-42-42")

    assert api.Flask("shop").debugger.pin == "42-42-42"


async def test_a_pin_that_is_switched_off_is_logged(app, developer, unset, caplog):
    unset.setenv("WERKZEUG_DEBUG_PIN", "off")
    await developer.open("/async")

    assert "EVALEX_TRUSTED = true" in developer.page
    assert "41" in await developer.evaluate("fail_async", "price")
    assert "without a PIN" in caplog.text


async def test_the_pin_is_logged_once(developer, caplog):
    await developer.open("/")
    await developer.open("/")

    assert [r.getMessage() for r in caplog.records] == [f"The debugger is active. PIN: {PIN}"]


async def test_the_pin_is_logged_when_the_server_starts(app, caplog):
    async with app.test_app():
        assert PIN in caplog.text


async def test_the_pin_is_logged_again_when_a_page_asks_for_it(developer, caplog):
    await developer.open("/async")
    caplog.clear()
    with caplog.at_level("INFO", "werkzeug"):
        await developer.command(cmd="printpin")

    assert PIN in caplog.text


async def test_a_console_works_while_all_workers_of_the_app_hang(app, developer):
    await developer.open("/def")
    app.config["WORKER_POOL_SIZE"] = app.config["WORKER_QUEUE_SIZE"] = 0
    vars(app).pop("workers", None)

    assert (await developer.unlock())["auth"]
