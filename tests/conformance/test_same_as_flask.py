"""What views return, routes, errors and hooks: answers and order are those of real Flask."""

from __future__ import annotations

import http
import json

import werkzeug.exceptions as wz
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse


async def test_same_as_flask(case, colour, same):
    await same(case, colour)


# -- what a view returns ---------------------------------------------------------------------------


def wsgi(environ, start_response):
    start_response("202 Accepted", [("Content-Type", "text/x"), ("X-Path", environ["PATH_INFO"])])
    return [b"from ", b"wsgi"]


def wsgi_streamed(environ, start_response):
    return iter(wsgi(environ, start_response))


def with_headers(response, **headers):
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


VALUES = {
    "str": lambda f: "text ü",
    "empty_str": lambda f: "",
    "bytes": lambda f: b"\xff\x00",
    "bytearray": lambda f: bytearray(b"array"),
    "markup": lambda f: __import__("markupsafe").Markup("<b>"),
    "dict": lambda f: {"b": 1, "a": [1, None, "ü<&>"]},
    "list": lambda f: [1, "two", {"three": 3}],
    "empty_list": lambda f: [],
    "tuple_status": lambda f: ("made", 201),
    "tuple_str_status": lambda f: ("made", "299 Odd Thing"),
    "tuple_enum_status": lambda f: ("", http.HTTPStatus.NO_CONTENT),
    "tuple_headers": lambda f: ("x", {"X-A": "1", "Content-Type": "text/plain"}),
    "tuple_header_list": lambda f: ("x", [("X-A", "1"), ("X-A", "2")]),
    "tuple_header_lists_in_dict": lambda f: ("x", {"X-A": ["1", "2"]}),
    "tuple_header_object": lambda f: ("x", Headers([("X-A", "1"), ("X-A", "2")])),
    "tuple_of_three": lambda f: ("x", 418, {"X-A": "1"}),
    "tuple_of_three_none_status": lambda f: ("x", None, {"X-A": "1"}),
    "tuple_of_four": lambda f: ("x", 200, {}, 1),
    "tuple_of_one": lambda f: ("x",),
    "dict_and_status": lambda f: ({"a": 1}, 201),
    "list_and_headers": lambda f: ([1], {"X-A": "b"}),
    "none": lambda f: None,
    "none_and_status": lambda f: (None, 200),
    "int": lambda f: 42,
    "object": lambda f: object(),
    "set": lambda f: {1},
    "status_999": lambda f: ("x", 999),
    "status_204_with_body": lambda f: ("dropped", 204),
    "status_304_with_body": lambda f: ("dropped", 304),
    "generator": lambda f: (part for part in ["a", "b", "ü"]),
    "generator_of_bytes": lambda f: (part for part in [b"a", b"b"]),
    "iterator": lambda f: iter(["x", "y"]),
    "generator_and_status": lambda f: ((part for part in "abc"), 201, {"X-A": "1"}),
    "generator_of_ints": lambda f: (number for number in [1, 2]),
    "response": lambda f: f.Response("hi", status=201, headers={"X-A": "1"}, mimetype="text/css"),
    "response_and_status": lambda f: (f.Response("hi", status=201), 202),
    "response_and_headers": lambda f: (
        with_headers(f.Response("hi"), X_A="0", X_B="0"),
        {"X-A": "1", "Content-Type": "text/x"},
    ),
    "response_of_list": lambda f: f.Response(["a", "b"]),
    "response_with_content_type": lambda f: f.Response("a", content_type="text/x; charset=latin1"),
    "response_mimetype_json": lambda f: f.Response("{}", mimetype="application/json"),
    "response_streamed": lambda f: f.Response(iter(["a", "b"]), mimetype="text/plain"),
    "response_without_body": lambda f: f.Response(),
    "response_with_content_length": lambda f: with_headers(f.Response("12345"), Content_Length="5"),
    "werkzeug_response": lambda f: WerkzeugResponse("w", status=203, headers={"X-A": "1"}),
    "werkzeug_response_and_status": lambda f: (WerkzeugResponse("w"), 404),
    "http_exception": lambda f: wz.ImATeapot("short and stout"),
    "http_exception_and_status": lambda f: (wz.NotFound(), 410),
    "wsgi_streamed": lambda f: wsgi_streamed,
    "wsgi_and_status": lambda f: (wsgi_streamed, 201, {"X-A": "1"}),
    "jsonify_nothing": lambda f: f.jsonify(),
    "jsonify_one": lambda f: f.jsonify("one"),
    "jsonify_several": lambda f: f.jsonify(1, 2),
    "jsonify_named": lambda f: f.jsonify(b=1, a=2),
    "jsonify_both": lambda f: f.jsonify(1, a=2),
    "make_response_nothing": lambda f: f.make_response(),
    "make_response_str": lambda f: with_headers(f.make_response("x"), X_A="1"),
    "make_response_parts": lambda f: f.make_response("x", 201, {"X-A": "1"}),
    "make_response_tuple": lambda f: f.make_response(("x", 201)),
    "make_response_dict": lambda f: f.make_response({"a": 1}, 201),
    "make_response_none": lambda f: f.make_response(None),
    "make_response_of_response": lambda f: f.make_response(f.redirect("/x")),
    "redirect": lambda f: f.redirect("/there?a=ü&b=c d"),
    "redirect_301": lambda f: f.redirect("https://example.com/", 301),
    "redirect_evil": lambda f: f.redirect("//evil.test/"),
    "abort_404": lambda f: f.abort(404),
    "abort_with_text": lambda f: f.abort(403, "No <b>entry</b>"),
    "abort_named": lambda f: f.abort(400, description="bad"),
    "abort_401_with_challenge": lambda f: f.abort(
        401, www_authenticate=__import__("werkzeug").datastructures.WWWAuthenticate("basic")
    ),
    "abort_405_with_methods": lambda f: f.abort(405, valid_methods=["PUT"]),
    "abort_429_with_retry": lambda f: f.abort(
        wz.TooManyRequests(retry_after=30).get_response()  # type: ignore[arg-type]
    ),
    "abort_with_response": lambda f: f.abort(f.Response("own", 406, {"X-A": "1"})),
    "abort_with_werkzeug_response": lambda f: f.abort(WerkzeugResponse("own", 407)),
    "abort_with_status_of_no_error": lambda f: f.abort(200),
    "raise_with_response": lambda f: raising(wz.NotFound(response=f.Response("r", 404))),
    "raise_plain_http_exception": lambda f: raising(HTTPException("no code")),
    "response_with_etag": lambda f: tagged(f.Response("etag")),
    "cookie": lambda f: cookie(f, "k", "v"),
    "cookie_with_everything": lambda f: cookie(
        f, "k", "v;,\x7f ü", max_age=3600, path="/p", domain="example.com", secure=True,
        httponly=True, samesite="Strict", partitioned=True, expires=0,
    ),
    "deleted_cookie": lambda f: deleted_cookie(f),
    "header_with_newline": lambda f: ("x", {"X-A": "a\r\nSet-Cookie: b=c"}),
    "not_serializable_json": lambda f: {"a": object()},
    "cache_control": lambda f: cached(f.Response("x")),
}  # fmt: skip


def raising(error):
    raise error


def tagged(response):
    response.add_etag()
    return response


def cached(response):
    response.cache_control.max_age = 60
    response.cache_control.public = True
    response.vary.add("Accept")
    response.content_language.add("de")
    return response


def cookie(f, *args, **kwargs):
    response = f.make_response("x")
    response.set_cookie(*args, **kwargs)
    return response


def deleted_cookie(f):
    response = f.make_response("x")
    response.delete_cookie("k", path="/p", domain="example.com")
    return response


def case_returns_wsgi(f):
    f.may_differ("Content-Length")  # Ours knows the length of a body that is a list.
    f.view(lambda: wsgi)
    f.ask("GET /", "HEAD /")


# -- routes ----------------------------------------------------------------------------------------


def case_not_found_for_any_path(f):
    f.view(lambda: "x", "/known/<int:number>/<path:rest>")
    f.ask(
        "GET /", "GET /known", "GET /known/x/y", "GET /%00", "GET /a//b", "POST /é", "GET /%2e%2e/"
    )
    f.ask("GET /" + "a" * 5000, "GET /static/" + "a" * 5000, "GET /static/../conftest.py")


def case_methods_of_a_rule(f):
    f.view(lambda: f.request.method, "/get")
    f.view(lambda: f.request.method, "/post", methods=["POST", "put"])
    f.view(lambda: f.request.method, "/options", methods=["OPTIONS"])
    f.view(lambda: f.request.method, "/head", methods=["HEAD"])
    for path in ("/get", "/post", "/options", "/head"):
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE", "WHAT"):
            f.ask(f"{method} {path}")


def case_methods_of_several_rules_of_one_path(f):
    f.on.get("/")(lambda: "get")
    f.on.endpoint("poster")(lambda: "post")
    f.app.add_url_rule("/", "poster", methods=["POST"])
    f.on.delete("/<name>", endpoint="d")(lambda name: name)
    f.ask("GET /", "POST /", "PUT /", "OPTIONS /", "HEAD /", "DELETE /x", "OPTIONS /x", "PATCH /x")


def case_no_automatic_options(f):
    f.view(lambda: "x", "/a", provide_automatic_options=False)
    f.app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    f.view(lambda: "x", "/b")
    f.ask("OPTIONS /a", "OPTIONS /b", "OPTIONS /c")


def case_slashes(f):
    f.view(lambda: "slash", "/slash/")
    f.view(lambda: "plain", "/plain")
    f.view(lambda: "loose", "/loose/", strict_slashes=False)
    f.view(lambda rest: rest, "/path/<path:rest>")
    f.view(lambda: "post", "/post/", methods=["POST"])
    f.ask(
        "GET /slash",
        "GET /slash/",
        "GET /slash?a=b%20c",
        "GET /plain/",
        "GET /loose",
        "GET /loose/",
    )
    f.ask("GET /path/a//b", "GET //slash/", "GET /slash//", "POST /post", "POST /post?q=1")


def case_post_to_a_redirect_in_debug(f):
    f.app.debug = True
    f.view(lambda: "post", "/post/", methods=["POST", "GET"])
    f.ask("POST /post", "GET /post")


def case_converters(f):
    for rule in ("int:v", "float:v", "uuid:v", "any(a,b):v", "string(length=2):v", "string:v"):
        kind = rule.partition(":")[0].partition("(")[0]
        f.view(lambda v: f"{type(v).__name__} {v}", f"/{kind}/<{rule}>")
    f.view(lambda v: str(v), "/signed/<int(signed=True, max=5):v>")
    f.ask(
        "GET /int/42", "GET /int/-1", "GET /int/042", "GET /float/1.5", "GET /float/1", "GET /any/a"
    )
    f.ask(
        "GET /uuid/12345678-1234-5678-1234-567812345678",
        "GET /uuid/1",
        "GET /any/c",
        "GET /signed/-3",
    )
    f.ask(
        "GET /string/ab",
        "GET /string/abc",
        "GET /string/a%20b%2Fc",
        "GET /string/ü",
        "GET /signed/-9",
    )


def case_defaults_and_redirects_of_rules(f):
    f.app.add_url_rule("/page/", "page", f.colour(lambda n: str(n)), defaults={"n": 1})
    f.app.add_url_rule("/page/<int:n>", "page")
    f.app.add_url_rule("/old/<int:n>", "old", redirect_to="/page/<int:n>")
    f.ask("GET /page/", "GET /page/1", "GET /page/2", "GET /old/7?x=1")


def case_custom_converter(f):
    from werkzeug.routing import BaseConverter

    class Listed(BaseConverter):
        def to_python(self, value):
            return value.split(",")

        def to_url(self, value):
            return ",".join(value)

    f.app.url_map.converters["list"] = Listed
    f.app.add_url_rule(
        "/<list:items>", "v", f.colour(lambda items: f.url_for("v", items=items[::-1]))
    )
    f.ask("GET /a,b,c")


def case_subdomains(f):
    f.make(subdomain_matching=True)
    f.app.config["SERVER_NAME"] = "example.com"
    f.view(lambda: "main")
    f.view(lambda user: user, "/", subdomain="<user>")
    f.ask(
        "GET /",
        "GET http://ann.example.com/",
        "GET http://other.test/",
        "GET http://a.b.example.com/",
    )


def case_host_matching(f):
    f.make(host_matching=True, static_folder=None)
    f.view(lambda: "a", "/", host="a.test")
    f.view(lambda name: name, "/", host="<name>.b.test")
    f.ask("GET http://a.test/", "GET http://x.b.test/", "GET http://c.test/")


def case_server_name_does_not_restrict(f):
    f.app.config["SERVER_NAME"] = "example.com:8080"
    f.view(lambda: f.url_for("view1", _external=True) + f.request.host_url)
    f.ask("GET /", "GET http://other.test/", "GET http://example.com:8080/")


def case_trusted_hosts(f):
    f.app.config["TRUSTED_HOSTS"] = ["good.test", ".wide.test"]
    f.texts_may_differ()
    f.view(lambda: f.request.host)
    f.ask(
        "GET http://good.test/",
        "GET http://bad.test/",
        "GET http://a.wide.test/",
        "GET http://bad.test/no",
    )


def case_script_name(f):
    f.view(lambda: f.url_for("view1") + " " + f.request.script_root + f.request.path, "/page")
    f.view(lambda: "slash", "/slash/")
    f.ask("GET /page", "GET /slash", "GET /static/hello.txt", base_url="http://localhost/mounted")


def case_redirect_keeps_root_and_host(f):
    f.view(lambda: "x", "/slash/")
    f.ask("GET /slash?ü=1", base_url="https://example.com:8443/root", query_string={"a": "ü&"})


# -- errors ----------------------------------------------------------------------------------------


class Problem(Exception):
    pass


class SpecialProblem(Problem):
    pass


def fails(f, error, rule="/", on=None):
    (on or f.on).route(rule, endpoint=f"fail{len(f.app.view_functions)}{rule.strip('/')}")(
        lambda: raising(error() if isinstance(error, type) else error)
    )


def case_unhandled_error_is_500(f):
    fails(f, Problem)
    f.ask("GET /", "HEAD /")


def case_unhandled_error_propagates_while_testing(f):
    f.app.testing = True
    fails(f, Problem)


def case_unhandled_error_propagates_on_demand(f):
    f.app.config["PROPAGATE_EXCEPTIONS"] = True
    fails(f, Problem)


def case_unhandled_error_is_500_on_demand_while_testing(f):
    f.app.testing = True
    f.app.config["PROPAGATE_EXCEPTIONS"] = False
    fails(f, Problem)


def case_handler_by_class_and_its_subclasses(f):
    f.on.errorhandler(Problem)(lambda e: (f"problem {type(e).__name__}", 400))
    fails(f, SpecialProblem, "/special")
    fails(f, Problem, "/plain")
    fails(f, ValueError, "/other")
    f.ask("GET /special", "GET /plain", "GET /other")


def case_most_special_handler_wins(f):
    f.on.errorhandler(Exception)(lambda e: (f"any {type(e).__name__}", 500))
    f.on.errorhandler(SpecialProblem)(lambda e: "special")
    f.on.errorhandler(Problem)(lambda e: "problem")
    fails(f, SpecialProblem, "/special")
    fails(f, Problem, "/plain")
    fails(f, wz.NotFound, "/http")
    f.ask("GET /special", "GET /plain", "GET /http", "GET /nowhere", "POST /plain")


def case_handler_of_500_gets_the_original(f):
    f.on.errorhandler(500)(lambda e: (f"{type(e).__name__} of {e.original_exception!r}", 500))
    fails(f, Problem("why"), "/problem")
    fails(f, wz.InternalServerError, "/raised")
    f.ask("GET /problem", "GET /raised")


def case_code_before_class_for_http_errors(f):
    f.on.errorhandler(wz.HTTPException)(lambda e: (f"http {e.code}", e.code))
    f.on.errorhandler(404)(lambda e: ("by code", 404))
    f.on.errorhandler(wz.Forbidden)(lambda e: ("forbidden", 403))
    fails(f, wz.Forbidden, "/forbidden")
    fails(f, wz.Gone, "/gone")
    f.ask("GET /forbidden", "GET /gone", "GET /nowhere", "POST /gone")


def case_http_subclass_with_the_same_code(f):
    class Locked(wz.Forbidden):
        description = "locked"

    f.on.errorhandler(403)(lambda e: ("by code", 403))
    f.on.errorhandler(Locked)(lambda e: ("locked", 403))
    fails(f, Locked, "/locked")
    fails(f, wz.Forbidden, "/forbidden")
    f.ask("GET /locked", "GET /forbidden")


def case_handlers_of_blueprints(f):
    outer, on_outer = f.blueprint("outer", url_prefix="/outer")
    inner, on_inner = f.blueprint("inner", url_prefix="/inner")
    f.on.errorhandler(404)(lambda e: ("app 404", 404))
    f.on.errorhandler(Problem)(lambda e: ("app problem", 400))
    on_outer.errorhandler(404)(lambda e: ("outer 404", 404))
    on_outer.errorhandler(Problem)(lambda e: ("outer problem", 400))
    on_inner.errorhandler(Exception)(lambda e: (f"inner {type(e).__name__}", 400))
    on_outer.app_errorhandler(410)(lambda e: ("everywhere 410", 410))
    for on, where in ((on_outer, ""), (on_inner, ""), (f.on, "app")):
        for name, error in (("404", wz.NotFound), ("p", SpecialProblem), ("410", wz.Gone)):
            on.route(f"/{where}{name}", endpoint=f"e{where}{name}")(
                lambda error=error: raising(error())
            )
    outer.register_blueprint(inner)
    f.app.register_blueprint(outer)
    for name in ("404", "p", "410"):
        f.ask(f"GET /outer/{name}", f"GET /outer/inner/{name}", f"GET /app{name}")
    f.ask("GET /outer/nowhere", "POST /outer/inner/404")


def case_handler_that_fails(f):
    f.on.errorhandler(Problem)(lambda e: raising(ValueError("in handler")))
    f.on.errorhandler(500)(lambda e: (f"500 {e.original_exception}", 500))
    f.on.errorhandler(404)(lambda e: raising(wz.Gone()))
    fails(f, Problem)
    f.ask("GET /", "GET /nowhere")


def case_handler_of_500_that_fails(f):
    f.on.errorhandler(500)(lambda e: raising(ValueError("in handler")))
    fails(f, Problem)


def case_handler_results_of_every_kind(f):
    f.on.errorhandler(404)(lambda e: e)
    f.on.errorhandler(403)(lambda e: {"code": e.code})
    f.on.errorhandler(410)(lambda e: f.Response("r", 200))
    f.on.errorhandler(418)(lambda e: None)
    f.on.errorhandler(400)(lambda e: e.get_response())
    for code in (403, 410, 418, 400):
        f.view(lambda code=code: f.abort(code), f"/{code}")
    f.ask("GET /404", "GET /403", "GET /410", "GET /418", "GET /400")


def case_error_in_each_hook(f):
    def failing(name):
        def hook(*args):
            if name == "before":
                f.g.place = f.request.args.get("in")
            if f.g.place == name:
                raise Problem(name)
            return args[0] if name == "after" else None

        return hook

    f.on.before_request(failing("before"))
    f.on.after_request(failing("after"))
    f.on.teardown_request(failing("teardown"))
    f.on.teardown_appcontext(failing("app teardown"))
    f.on.errorhandler(Problem)(lambda e: (f"handled {e}", 400))
    f.on.errorhandler(500)(lambda e: (f"500 {e.original_exception}", 500))
    f.view(lambda: "fine")
    f.ask(
        "GET /?in=before", "GET /?in=after", "GET /?in=teardown", "GET /?in=app teardown", "GET /"
    )


def case_bad_request_key(f):
    f.view(lambda: f.request.args["missing"])


def case_bad_request_key_in_debug(f):
    f.app.debug = True
    f.app.config["PROPAGATE_EXCEPTIONS"] = True
    f.view(lambda: f.request.args["missing"])


def case_bad_request_key_shown_with_trap_off(f):
    f.app.debug = True
    f.app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    f.view(lambda: f.request.args["missing"])


def case_trap_bad_request_errors(f):
    f.app.config.update(TRAP_BAD_REQUEST_ERRORS=True, PROPAGATE_EXCEPTIONS=True)
    f.on.errorhandler(KeyError)(lambda e: f"key error {e!s}")
    f.view(lambda: f.request.args["missing"])
    f.view(lambda: f.abort(400), "/400")
    f.view(lambda: f.abort(404), "/404")
    f.ask("GET /", "GET /400", "GET /404")


def case_trap_http_exceptions(f):
    f.app.config.update(TRAP_HTTP_EXCEPTIONS=True)
    f.view(lambda: f.abort(404), "/404")
    f.ask("GET /404", "GET /nowhere")
    f.app.testing = True


def case_trap_http_exceptions_still_finds_handlers(f):
    f.app.config.update(TRAP_HTTP_EXCEPTIONS=True)
    f.on.errorhandler(wz.NotFound)(lambda e: ("found", 404))
    f.view(lambda: f.abort(404), "/404")
    f.ask("GET /404", "GET /nowhere")


def case_own_aborter(f):
    class OutOfTea(HTTPException):
        code = 499
        description = "no tea"

    f.app.aborter.mapping[499] = OutOfTea
    f.view(lambda: f.abort(499))


# -- hooks -----------------------------------------------------------------------------------------


def logging(f, name, *, result=None, hands_on=False):
    def hook(*args):
        f.log.append(name)
        return args[0] if hands_on else result

    return hook


def add_hooks(f, on, name, app_wide=False):
    kind = "_app" if app_wide else ""
    for number in (1, 2):
        getattr(on, f"before{kind}_request")(logging(f, f"{name} before {number}"))
        getattr(on, f"after{kind}_request")(logging(f, f"{name} after {number}", hands_on=True))
        getattr(on, f"teardown{kind}_request")(logging(f, f"{name} teardown {number}"))


def case_order_of_hooks(f):
    outer, on_outer = f.blueprint("outer", url_prefix="/outer")
    inner, on_inner = f.blueprint("inner", url_prefix="/inner")
    add_hooks(f, f.on, "app")
    add_hooks(f, on_outer, "outer")
    add_hooks(f, on_inner, "inner")
    add_hooks(f, on_inner, "inner app", app_wide=True)
    f.on.teardown_appcontext(logging(f, "appcontext 1"))
    f.on.teardown_appcontext(logging(f, "appcontext 2"))
    f.on.url_value_preprocessor(lambda endpoint, args: f.log.append(["app values", endpoint, args]))
    on_inner.url_value_preprocessor(lambda endpoint, args: f.log.append(["inner values", endpoint]))
    for on in (f.on, on_outer, on_inner):
        on.route("/view", endpoint="view")(logging(f, "view", result="x"))
    outer.register_blueprint(inner)
    f.app.register_blueprint(outer)
    f.ask(
        "GET /view", "GET /outer/view", "GET /outer/inner/view", "GET /nowhere", "POST /outer/view"
    )


def case_before_request_answers(f):
    f.on.before_request(logging(f, "first"))
    f.on.before_request(logging(f, "answers", result=("early", 202)))
    f.on.before_request(logging(f, "never"))
    f.on.after_request(logging(f, "after", hands_on=True))
    f.view(logging(f, "view", result="x"))
    f.ask("GET /", "GET /nowhere")


def case_falsy_answer_of_before_request_counts(f):
    f.on.before_request(lambda: "")
    f.view(lambda: "view")


def case_after_request_replaces_the_response(f):
    f.on.after_request(lambda response: f.Response(b"<" + response.get_data() + b">", 201))
    f.view(lambda: "x")
    f.ask("GET /", "GET /nowhere")


def case_after_this_request(f):
    def view():
        for number in (1, 2):
            f.after_this_request(f.colour(logging(f, f"this {number}", hands_on=True)))
        return "x"

    f.on.after_request(logging(f, "after", hands_on=True))
    f.view(view)
    f.view(lambda: "y", "/other")
    f.ask("GET /", "GET /other")


def case_teardown_sees_the_error(f):
    f.on.teardown_request(lambda error: f.log.append(f"request {error!r}"))
    f.on.teardown_appcontext(lambda error: f.log.append(f"app {error!r}"))
    f.on.errorhandler(KeyError)(lambda e: "handled")
    fails(f, Problem, "/unhandled")
    fails(f, KeyError, "/handled")
    fails(f, wz.NotFound, "/404")
    f.view(lambda: "x", "/fine")
    f.ask("GET /unhandled", "GET /handled", "GET /404", "GET /fine")


def case_url_values(f):
    bp, on = f.blueprint("lang", url_prefix="/<lang>")

    @on.url_value_preprocessor
    def pull(endpoint, values):
        f.g.lang = values.pop("lang")

    @bp.url_defaults
    def add(endpoint, values):
        values.setdefault("lang", f.g.lang)

    on.route("/page/<int:n>", endpoint="page")(lambda n: f.url_for(".page", n=n + 1) + f.g.lang)
    f.app.register_blueprint(bp)
    f.ask("GET /de/page/1", "GET /fr/page/2")


def case_view_args_can_be_changed(f):
    @f.on.before_request
    def change():
        if f.request.view_args:
            f.request.view_args["name"] = "changed"

    f.view(lambda name: name + f.request.view_args["name"], "/<name>")
    f.ask("GET /x", "GET /a/b")


def case_g_belongs_to_a_request(f):
    f.view(lambda: str(f.g.setdefault("seen", 0)) + str(vars(f.g).__len__()))
    f.on.before_request(lambda: setattr(f.g, "before", 1))
    f.ask("GET /", "GET /")


def case_request_attributes(f):
    names = [
        "method",
        "url",
        "base_url",
        "root_url",
        "host_url",
        "host",
        "path",
        "full_path",
        "script_root",
        "root_path",
        "scheme",
        "is_secure",
        "query_string",
        "remote_addr",
        "endpoint",
        "blueprint",
        "blueprints",
        "url_rule",
        "view_args",
        "routing_exception",
        "mimetype",
        "content_type",
        "content_length",
        "content_encoding",
        "is_json",
        "referrer",
        "user_agent",
        "accept_mimetypes",
        "accept_languages",
        "cookies",
        "authorization",
        "date",
        "if_match",
        "if_none_match",
        "if_modified_since",
        "range",
        "pragma",
        "cache_control",
        "max_forwards",
        "access_route",
        "origin",
        "want_form_data_parsed",
        "is_multithread",
        "is_multiprocess",
        "is_run_once",
        "mimetype_params",
        "access_control_request_method",
        "max_content_length",
        "max_form_parts",
        "max_form_memory_size",
    ]

    def view(name=None):
        found = {}
        for attribute in names:
            if attribute.startswith(("is_multi", "is_run", "want_form")):
                continue  # of WSGI alone
            found[attribute] = str(getattr(f.request, attribute))
        found["args"] = f.request.args.to_dict(flat=False)
        found["cookies"] = f.request.cookies.to_dict(flat=False)
        return json.dumps(found, sort_keys=True), {"Content-Type": "application/json"}

    f.view(view)
    f.view(view, "/deep/<name>", methods=["GET", "POST"])
    f.ask("GET /", "GET /deep/ü%20x?a=1&a=2&b=%FC&c", "GET /?")
    f.ask(
        "GET /deep/x",
        headers={
            "Cookie": 'a=1; b="q\\"x"; a=2; =nameless; c',
            "Accept": "text/html;q=0.5, application/json",
            "Accept-Language": "de, en;q=0.1",
            "Authorization": "Basic YTpi",
            "If-None-Match": '"x", W/"y"',
            "If-Modified-Since": "Thu, 01 Jan 1970 00:00:01 GMT",
            "Range": "bytes=0-5",
            "Referer": "http://r.test/",
            "User-Agent": "Agent/1",
            "Cache-Control": "no-cache, max-age=3",
            "X-Forwarded-For": "1.2.3.4, 5.6.7.8",
            "Origin": "http://o.test",
        },
    )
    f.ask("POST /deep/x", data=b"x", content_type="application/json; charset=utf-8")
    f.ask("GET /deep/x", base_url="https://ex.test:8443/root")
