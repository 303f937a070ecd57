"""What a view may return (tests/conformance compares with Flask), and the errors for the rest."""

from __future__ import annotations

import functools

import pytest
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    Conflict,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from werkzeug.wrappers import Response as WerkzeugResponse

import asyncflask.flask
from asyncflask import Flask, Response, render_template_async, request
from asyncflask.testing import TestClient


@pytest.fixture
def app():
    app = Flask(__name__, static_folder=None)
    app.testing = True
    return app


async def get(app, value, keyword="async"):
    def view():
        return value() if callable(value) else value

    async def async_view():
        return view()

    app.add_url_rule("/", "view", view if keyword == "def" else async_view)
    return await app.test_client().get("/")


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_an_async_generator_is_streamed(app, keyword):
    async def parts():
        yield "a"
        yield b"b"

    response = await get(app, lambda: (parts(), 201, {"X-A": "1"}), keyword)

    assert (response.status_code, response.data, response.headers["X-A"]) == (201, b"ab", "1")


async def test_an_async_iterator_object_is_streamed(app):
    class Parts:
        def __init__(self):
            self.left = ["a", "b"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    assert (await get(app, lambda: Parts())).data == b"ab"


@pytest.mark.parametrize("keyword", ["def", "async"])
async def test_an_unawaited_coroutine_is_an_error_that_names_the_fix(app, keyword):
    made = []

    def value():
        made.append(render_template_async("x.html"))
        return made[-1]

    with pytest.raises(TypeError, match=r"return await render_template_async\(\.\.\.\)"):
        await get(app, value, keyword)
    made[0].close()


def plain(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


def plain_object(view):
    class Wrapper:
        def __init__(self):
            functools.update_wrapper(self, view)

        def __call__(self, *args, **kwargs):
            return view(*args, **kwargs)

    return Wrapper()


@pytest.mark.parametrize("decorate", [plain, plain_object, lambda view: plain(plain(view))])
async def test_a_decorator_that_does_not_await_the_view_is_named(app, decorate):
    async def view():
        return "text"

    app.add_url_rule("/", "view", decorate(view))
    with pytest.raises(TypeError, match=r"without `await` by a decorator, the `def` \w+") as caught:
        await app.test_client().get("/")
    assert "return current_app.ensure_sync(view)(*args, **kwargs)    # right" in str(caught.value)
    assert "decorator of another package write `@app.ensure_sync`" in str(caught.value)


@pytest.mark.parametrize("place", ["tuple", "list", "headers"])
async def test_a_header_that_has_to_be_awaited_is_refused(app, place):
    async def name():
        return "value"

    def value():
        if place == "headers":
            response = Response("text")
            response.headers["X-Name"] = name()
            return response
        return "text", {"X-Name": name()} if place == "tuple" else [("X-Name", name())]

    with pytest.raises(TypeError, match=r"header 'X-Name' .* `\{'X-Name': await \.\.\.\}`"):
        await get(app, value)


@pytest.mark.parametrize("headers", ["X-Name: value", ["X-Name: value"], [("X-Name",)]])
async def test_headers_that_are_no_pairs_are_named(app, headers):
    with pytest.raises(TypeError, match=r"no pairs of a name and a value\. Write a dict"):
        await get(app, ("text", 200, headers))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"endpoint 'view' .*returned None.*return '', 204"),
        (42, "returned 42: it was an int. Return a str, bytes, dict"),
        ((1, 2, 3, 4), "a tuple of 4 values"),
        (("one",), r"a tuple of 1 value\."),
        ((), "a tuple of 0 values"),
        ((None, 200), "returned None"),
    ],
)
async def test_a_value_that_no_view_may_return_is_an_error_that_names_the_remedy(
    app, value, message
):
    with pytest.raises(TypeError, match=message):
        await get(app, lambda: value)


async def test_the_message_names_file_and_line_of_the_view(app):
    with pytest.raises(TypeError, match=r"test_make_response\.py:\d+"):
        await get(app, lambda: None)


async def test_headers_of_a_list_may_have_a_name_twice(app):
    response = await get(app, lambda: ("x", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))

    assert response.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("body", ["12345", b"12345", [123]])
async def test_a_content_length_of_another_body_is_replaced(app, body):
    """A view may pass on the headers of another server's response."""
    response = await get(app, (body, 200, {"Content-Length": "999", "X-A": "1"}))

    assert response.headers["Content-Length"] == str(len(response.data))
    assert response.headers["X-A"] == "1"


async def test_the_length_that_is_given_with_a_stream_is_kept(app):
    response = await get(app, lambda: (iter(["12345"]), {"Content-Length": "5"}))

    assert response.headers["Content-Length"] == "5"


async def test_headers_of_a_tuple_replace_those_of_a_response(app):
    made = Response("x", headers={"X-A": "0"})
    response = await get(app, lambda: (made, {"X-A": "1"}))

    assert response.headers.getlist("X-A") == ["1"]


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nb: c"}, [("X-A", "a\r\nb: c")]])
async def test_line_breaks_in_headers_are_refused(app, headers):
    """CVE-2026-50269 and similar ones."""
    with pytest.raises(ValueError, match="newline"):
        await get(app, lambda: ("x", headers))


async def test_a_custom_response_class_is_used_for_every_kind_of_value(app):
    class Own(Response):
        default_mimetype = "text/x"

    app.response_class = Own
    seen = []
    app.after_request(lambda response: seen.append(type(response)) or response)
    response = await get(app, "text")
    app.view_functions["view"] = lambda: WerkzeugResponse("w")
    await app.test_client().get("/")
    app.view_functions["view"] = lambda: {"a": 1}
    await app.test_client().get("/")

    assert response.mimetype == "text/x"
    assert seen == [Own, Own, Own]


async def test_a_subclass_of_our_response_is_kept(app):
    class Special(Response):
        pass

    seen = []
    app.after_request(lambda response: seen.append(type(response)) or response)
    await get(app, lambda: Special("x"))

    assert seen == [Special]


async def test_a_subclass_of_str_and_of_dict_is_one(app):
    class Text(str):
        __slots__ = ()

    class Mapped(dict):
        pass

    assert (await get(app, lambda: Text("t"))).text == "t"
    app.view_functions["view"] = lambda: Mapped(a=1)
    assert (await app.test_client().get("/")).json == {"a": 1}


@pytest.mark.parametrize("status", [None, 201])
async def test_text_that_is_not_unicode_is_an_error_that_handlers_do_not_see(app, status):
    app.register_error_handler(UnicodeEncodeError, lambda error: "handled")

    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        await get(app, "\ud800" if status is None else ("\ud800", status))


async def test_an_http_error_keeps_its_page_and_takes_the_status_of_the_tuple(app):
    response = await get(app, (NotFound("Sold out."), 410))

    assert (response.status_code, "Sold out." in response.text) == (410, True)


async def test_json_has_the_mimetype_of_the_provider(app):
    app.json.mimetype = "application/vnd.api+json"

    response = await get(app, {"a": 1})

    assert (response.mimetype, response.json) == ("application/vnd.api+json", {"a": 1})


async def test_a_json_provider_needs_only_what_flask_calls(app):
    class Provider:
        def response(self, value):
            return app.response_class(f"<{value}>", mimetype="text/plain")

    app.json = Provider()

    assert (await get(app, {"a": 1})).text == "<{'a': 1}>"


async def test_make_response_needs_no_request(app):
    async with app.app_context():
        response = app.make_response(("x", 201))

    assert response.status_code == 201


def test_a_coroutine_is_refused_where_no_app_is_current(app):
    coroutine = render_template_async("x.html")

    with pytest.raises(TypeError, match="coroutine"):
        app.make_response(coroutine)
    coroutine.close()


async def test_the_constructor_of_a_response_class_is_called():
    class Counted(Response):
        made = 0

        def __new__(cls, *args, **kwargs):
            cls.made += 1
            return super().__new__(cls)

    app = Flask(__name__)
    app.response_class = Counted
    app.get("/")(lambda: "text")

    response = await app.test_client().get("/")

    assert (response.text, Counted.made) == ("text", 1)


class Xml(Response):
    """Finds the type of text in its constructor, as a recipe for Flask has it."""

    def __init__(self, response, status, headers, **kwargs):
        if isinstance(response, str) and response.startswith("<?xml") and not headers:
            kwargs["mimetype"] = "application/xml"
        super().__init__(response, status, headers, **kwargs)


@pytest.mark.parametrize(
    ("result", "status", "content_type"),
    [
        ("<?xml?><a/>", 200, "application/xml; charset=utf-8"),
        (("<?xml?><a/>", 201), 201, "application/xml; charset=utf-8"),
        (("<?xml?><a/>", {"Content-Type": "text/x"}), 200, "text/x"),
        (("<?xml?><a/>", 202, [("Content-Type", "text/x")]), 202, "text/x"),
        ((b"<?xml?><a/>", "203 Fine"), 203, "text/html; charset=utf-8"),
        (lambda: iter(["<?xml?>", "<a/>"]), 200, "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
async def test_a_response_class_gets_what_the_view_has_returned(api, result, status, content_type):
    app = api.Flask(__name__)
    app.response_class = type("Own", (Xml, api.Response), {})
    app.get("/")(result if callable(result) else lambda: result)

    response = await TestClient(app, Response).get("/")

    assert (response.status_code, response.headers["Content-Type"]) == (status, content_type)
    assert response.text == "<?xml?><a/>"


@pytest.mark.parametrize("result", [{"a": 1}, [1], ({"a": 1}, 201)], ids=repr)
@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
async def test_a_response_class_gets_json_as_text(api, result):
    """The same recipe, without a look at the type: bytes have no such `startswith()`."""

    class Own(api.Response):
        def __init__(self, response, *args, **kwargs):
            assert not response.startswith("<?xml")
            super().__init__(response, *args, **kwargs)

    app = api.Flask(__name__)
    app.response_class = Own
    app.get("/view")(lambda: result)
    app.get("/jsonify", endpoint="jsonify")(lambda: api.jsonify(a=1))
    client = TestClient(app, Response)

    value, status = result if isinstance(result, tuple) else (result, 200)
    response = await client.get("/view")
    assert (response.status_code, response.json) == (status, value)
    assert response.mimetype == "application/json"
    assert (await client.get("/jsonify")).json == {"a": 1}


@pytest.mark.parametrize(
    "error",
    [
        NotFound("Sold out."),
        TooManyRequests("Slower.", retry_after=5),
        MethodNotAllowed(["PUT"], "Put it."),
        Unauthorized("Who?", www_authenticate=WWWAuthenticate("basic", {"realm": "shop"})),
        Conflict(response=WerkzeugResponse("Taken.", 409)),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("api", [asyncflask, asyncflask.flask])
async def test_an_http_error_is_of_the_response_class_without_its_constructor(api, error):
    class Strict(Xml, api.Response):
        def __init__(self, response, status, headers):
            assert isinstance(response, str)
            super().__init__(response, status, headers)

    app = api.Flask(__name__)
    app.response_class = Strict
    kinds = []
    app.after_request(lambda response: kinds.append(type(response)) or response)

    @app.get("/")
    def view():
        raise error

    response = await TestClient(app, Response).get("/")

    assert (response.status_code, kinds) == (error.code, [Strict])
    assert response.text == error.get_response().get_data(as_text=True)
    assert all(response.headers[name] == value for name, value in error.get_response().headers)


@pytest.mark.parametrize(
    "attribute", [{"default_mimetype": "application/xml"}, {"default_status": 201}]
)
async def test_what_a_response_class_changes_holds_for_text(attribute):
    app = Flask(__name__)
    app.response_class = type("Own", (Response,), attribute)
    app.get("/")(lambda: "text")

    response = await app.test_client().get("/")

    assert response.text == "text"
    assert (response.mimetype, response.status_code) == (
        attribute.get("default_mimetype", "text/html"),
        attribute.get("default_status", 200),
    )


async def test_an_unawaited_body_is_named_by_its_expression():
    app = Flask(__name__)
    app.testing = True

    @app.post("/")
    async def view():
        return request.get_json()

    with pytest.raises(TypeError, match=r"return await request\.get_json\(\)    # right"):
        await app.test_client().post("/", json={})


class Gone204(HTTPException):
    code = 204
    description = "nothing"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "value",
    [
        *("text", "", "ünï", {"a": 1}, [1, 2], ("text", 418), ({"a": 1}, 201), ("text", 204)),
        *(("text", 304), ("text", "201 Made"), ("text", 299), (b"bytes", 200)),
        *(("text", {"X-A": "1"}), ("text", 201, {"X-A": "1"}), lambda: Response("r", 202)),
        *(lambda: NotFound(), lambda: NotFound("Own words."), lambda: Gone204()),
        lambda: MethodNotAllowed(["PUT"]),
    ],
    ids=lambda value: "made in the view" if callable(value) else repr(value),
)
async def test_a_response_is_the_same_with_and_without_hooks_that_see_it(value, method):
    answers = []
    for is_looked_at in (False, True):
        app = Flask(__name__, static_folder=None)
        if is_looked_at:
            app.after_request(lambda response: response)

        @app.route("/", methods=["GET"])
        async def view():
            return value() if callable(value) else value

        sent = []

        async def send(message):
            sent.append(message)  # noqa: B023  # used at once

        await app(scope_of(method), None, send)
        answers.append(sent)

    assert answers[0] == answers[1]
    assert [message["type"] for message in answers[0]] == [
        "http.response.start",
        "http.response.body",
    ]


def scope_of(method):
    return {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"shop.example")],
    }


@pytest.mark.parametrize("status", [True, 99, 1000])
@pytest.mark.parametrize("looked_at", [False, True], ids=["untouched", "looked at"])
async def test_a_status_that_no_response_can_have_is_refused_and_never_sent(status, looked_at):
    app = Flask(__name__, static_folder=None)
    if looked_at:

        @app.after_request
        def look(response):
            response.headers["X-A"] = "1"
            return response

    @app.get("/")
    async def view():
        return "text", status

    sent = []

    async def send(message):
        sent.append(message)

    with pytest.raises(ValueError, match=r"has no code from 100 to 999\. Write Response"):
        await app(scope_of("GET"), None, send)
    assert sent == []
