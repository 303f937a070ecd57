"""Return values of views, and matching of rules: responses are those of real Flask."""

from __future__ import annotations

import http

import werkzeug.exceptions as wz
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse


async def test_same_as_flask(case, keyword, same):
    await same(case, keyword)


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
    f.may_differ("Content-Length")  # asyncflask knows the length of a list body.
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
    f.app.add_url_rule("/page/", "page", f.keyword(lambda n: str(n)), defaults={"n": 1})
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
        "/<list:items>", "v", f.keyword(lambda items: f.url_for("v", items=items[::-1]))
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
