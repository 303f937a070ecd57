"""Sessions, files, JSON, forms, templates and URLs: what they answer is what real Flask answers."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import io
import json
import os
import uuid

ROOT = os.path.join(os.path.dirname(__file__), "folder")


async def test_same_as_flask(case, colour, same):
    await same(case, colour)


# -- sessions and flashing -------------------------------------------------------------------------


def case_session_round_trip(f):
    def change():
        f.session["n"] = f.session.get("n", 0) + 1
        return str(f.session["n"])

    f.view(change)
    f.view(lambda: json.dumps(dict(f.session)), "/read")
    f.view(lambda: "untouched", "/untouched")
    f.view(lambda: f.session.clear() or "cleared", "/clear")
    f.ask("GET /read", "GET /", "GET /", "GET /untouched", "GET /read", "GET /clear", "GET /read")


def case_each_access_of_a_session_varies(f):
    """GHSA-68rp-wp8r-4726 (CVE-2026-27205): looking at keys or length is an access, too."""
    f.view(lambda: str("k" in f.session), "/in")
    f.view(lambda: str(len(f.session)), "/len")
    f.view(lambda: str(list(f.session)), "/iter")
    f.view(lambda: str(f.session.get("k")), "/get")
    f.view(lambda: str(f.session.setdefault("k", 1)), "/setdefault")
    f.view(lambda: str(f.session.pop("k", None)), "/pop")
    f.view(lambda: str(bool(f.session)), "/bool")
    f.view(lambda: str(f.session.permanent), "/permanent")
    f.view(lambda: str(f.session.new), "/new")
    f.view(lambda: str(f.session == {}), "/eq")
    f.ask(
        *(f"GET /{name}" for name in ("in", "len", "iter", "get", "bool", "permanent", "new", "eq"))
    )
    f.ask("GET /setdefault", "GET /get", "GET /pop", "GET /pop")


def case_permanent_session_is_refreshed(f):
    """GHSA-m2qf-hxjv-5gpq (CVE-2023-30861): a refreshed session varies even if nobody looked."""

    def begin():
        f.session.permanent = True
        f.session["k"] = "v"
        return "x"

    f.may_differ("Set-Cookie")  # Expires follows the clock.
    f.view(begin)
    f.view(lambda: "untouched", "/untouched")
    f.ask("GET /", "GET /untouched")


def case_permanent_session_is_not_refreshed(f):
    f.app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    f.may_differ("Set-Cookie")
    f.view(lambda: f.session.update(k=1) or setattr(f.session, "permanent", True) or "x")
    f.view(lambda: "untouched", "/untouched")
    f.ask("GET /", "GET /untouched")


def case_session_cookie_settings(f):
    f.app.config.update(
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_DOMAIN="example.com",
        SESSION_COOKIE_PATH="/p",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PARTITIONED=True,
    )
    f.view(lambda: f.session.update(k=1) or "x")


def case_session_cookie_follows_application_root(f):
    f.app.config["APPLICATION_ROOT"] = "/app"
    f.view(lambda: f.session.update(k=1) or "x")


def case_session_without_a_key(f):
    f.app.secret_key = None
    f.view(lambda: str(f.session.get("k")), "/read")
    f.view(lambda: f.session.update(k=1) or "x", "/write")
    f.view(lambda: "x", "/none")
    f.ask("GET /read", "GET /none", "GET /write")


def case_bad_session_cookies_are_empty_sessions(f):
    f.view(lambda: str(dict(f.session)))
    for value in ("", "x", "e30.x.y", "." * 100, "eyJhIjoxfQ.aaaaaa.bbbb", '"quoted"'):
        f.ask("GET /", headers={"Cookie": f"session={value}"})


def case_types_in_the_session(f):
    value = {
        "tuple": (1, 2),
        "bytes": b"\xff",
        "uuid": uuid.UUID(int=1),
        "date": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "nested": {" t": [1], "ü": None},
    }
    f.view(lambda: f.session.update(value) or "x", "/write")
    f.view(lambda: repr(sorted(f.session.items())), "/read")
    f.view(lambda: f.session["nested"].update(a=1) or "x", "/nested")
    f.view(lambda: setattr(f.session, "modified", True) or "x", "/modified")
    f.ask("GET /write", "GET /read", "GET /nested", "GET /read", "GET /modified")


def case_session_set_by_hooks(f):
    f.on.before_request(lambda: f.session.update(before=1))
    f.on.after_request(lambda response: f.session.update(after=2) or response)
    f.view(lambda: str(dict(f.session)))
    f.ask("GET /", "GET /", "GET /nowhere")


def case_flash(f):
    def show():
        return json.dumps(
            [
                f.get_flashed_messages(with_categories=True),
                f.get_flashed_messages(category_filter=["error"]),
                f.get_flashed_messages(),
            ]
        )

    f.view(lambda: f.flash("one") or f.flash("two", "error") or f.redirect("/show"), "/flash")
    f.view(show, "/show")
    f.view(lambda: f.flash("now") or show(), "/both")
    f.ask("GET /flash", "GET /show", "GET /show", "GET /both", "GET /flash", "GET /both")
    f.ask("GET /flash", follow_redirects=True)


# -- URLs ------------------------------------------------------------------------------------------


def case_url_for(f):
    bp, on = f.blueprint("bp", url_prefix="/bp")
    on.route("/<int:n>", endpoint="page")(lambda n: "x")
    on.route("/here", endpoint="here")(
        lambda: " ".join(
            [
                f.url_for(".page", n=1),
                f.url_for("bp.page", n=2),
                f.url_for("static", filename="a b.css"),
            ]
        )
    )
    f.app.register_blueprint(bp)
    f.on.route("/a/<path:p>", endpoint="a", methods=["GET"])(lambda p: "x")
    f.app.add_url_rule("/b", "a", methods=["POST"], defaults={"p": "x"})

    def urls():
        return "\n".join(
            [
                f.url_for("a", p="x/ü y", q=["1", "2"], r=None, s="ü&"),
                f.url_for("a", p="x", _anchor="sec tion/ü"),
                f.url_for("a", p="x", _method="POST"),
                f.url_for("a", p="z", _external=True),
                f.url_for("a", p="z", _scheme="https"),
                f.url_for("a", p="z", _external=False),
                f.url_for("bp.page", n=3),
                f.url_for("static", filename="../x y?#.css"),
                f.url_for(".urls"),
            ]
        )

    f.on.route("/urls", endpoint="urls")(urls)
    f.ask("GET /urls", "GET /bp/here")
    f.ask("GET /urls", base_url="https://ex.test:444/root")


def case_url_for_errors(f):
    f.on.route("/<int:n>", endpoint="page")(lambda n: "x")
    f.app.config["PROPAGATE_EXCEPTIONS"] = True
    f.view(lambda: f.url_for("nowhere"), "/endpoint")
    f.view(lambda: f.url_for("page"), "/missing")
    f.view(lambda: f.url_for("page", n=1, _scheme="https", _external=False), "/scheme")
    f.ask("GET /endpoint", "GET /missing", "GET /scheme")


def case_url_build_error_handlers(f):
    f.app.url_build_error_handlers.append(lambda error, endpoint, values: None)
    f.app.url_build_error_handlers.append(
        lambda error, endpoint, values: f"/made/{endpoint}/{values['x']}"
    )
    f.view(lambda: f.url_for("nowhere", x=1))


def case_url_defaults(f):
    @f.app.url_defaults
    def add(endpoint, values):
        if f.app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", "de")

    f.on.route("/<lang>/page", endpoint="page")(lambda lang: f.url_for("page") + f.url_for("plain"))
    f.on.route("/plain", endpoint="plain")(lambda: f.url_for("page", lang="fr"))
    f.ask("GET /en/page", "GET /plain")


def case_url_for_with_server_name_and_root(f):
    f.app.config.update(
        SERVER_NAME="ex.test", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https"
    )

    def outside():
        with f.app.app_context():
            return f.url_for("page") + " " + f.url_for("page", _external=False)

    f.on.route("/page", endpoint="page")(lambda: f.url_for("page", _external=True) + outside())
    f.ask("GET /page")


def case_redirect_to_url_for_and_follow(f):
    f.on.route("/a", endpoint="a")(lambda: f.redirect(f.url_for("b", x=1)))
    f.on.route("/b", endpoint="b")(lambda: f.request.query_string)
    f.ask("GET /a", "POST /a")
    f.ask("GET /a", follow_redirects=True)


# -- files -----------------------------------------------------------------------------------------


def case_static_files(f):
    f.ask(
        "GET /static/hello.txt",
        "HEAD /static/hello.txt",
        "GET /static/style.css",
        "POST /static/hello.txt",
    )
    f.ask(
        "GET /static/nowhere",
        "GET /static/",
        "GET /static/../conftest.py",
        "GET /static/%2e%2e/templates/hello.html",
    )
    f.ask(
        "GET /static//etc/passwd",
        "GET /static/..%2f..%2fconftest.py",
        "GET /static/%00",
        "OPTIONS /static/hello.txt",
    )
    f.ask("GET /static/" + "a" * 5000, "GET /static/a%0d%0ab", "GET /static/hello.txt/")


def case_static_max_age(f):
    f.app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 300
    f.may_differ("Expires")
    f.ask("GET /static/hello.txt")


def case_static_elsewhere(f):
    f.make(static_url_path="/files", static_folder="bp_static")
    f.ask("GET /files/file.txt", "GET /static/file.txt")


def case_static_of_blueprints(f):
    bp, _ = f.blueprint("bp", url_prefix="/bp", static_folder="bp_static", static_url_path="/s")
    f.app.register_blueprint(bp)
    f.view(lambda: f.url_for("bp.static", filename="file.txt"))
    f.ask("GET /bp/s/file.txt", "GET /", "GET /bp/s/nowhere")


def case_conditional_requests(f):
    tag = _etag_of_hello(f)
    when = "Fri, 01 Jan 2100 00:00:00 GMT"
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": "*"},
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": when},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Match": '"other"'},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Modified-Since": "rubbish"},
    ):
        f.ask("GET /static/hello.txt", "HEAD /static/hello.txt", headers=headers)


def _etag_of_hello(f):
    with f.app.test_request_context():
        response = f.app.send_static_file("hello.txt")
        tag = response.headers["ETag"]
        if hasattr(response, "close"):
            response.close()
    return tag


def case_ranges(f):
    for value in (
        "0-3",
        "5-",
        "-4",
        "0-0",
        "100-200",
        "3-1",
        "0-1,4-5",
        "0-999",
        "x",
        "",
        "-0",
        "0-3,",
    ):
        f.ask("GET /static/hello.txt", headers={"Range": f"bytes={value}"})
    f.ask("GET /static/hello.txt", headers={"Range": "lines=0-3"})
    tag = _etag_of_hello(f)
    f.ask("GET /static/hello.txt", headers={"Range": "bytes=0-3", "If-Range": tag})
    f.ask("GET /static/hello.txt", headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    f.ask("HEAD /static/hello.txt", headers={"Range": "bytes=0-3"})


def case_send_file(f):
    path = os.path.join(ROOT, "static", "hello.txt")
    options = [
        {},
        {"mimetype": "text/x"},
        {"as_attachment": True},
        {"as_attachment": True, "download_name": "ü name.txt"},
        {"download_name": 'quo"te.json'},
        {"etag": False},
        {"etag": "own"},
        {"last_modified": 0},
        {"last_modified": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
        {"conditional": False},
        {"max_age": 60},
        {"max_age": lambda name: 7},
        {"max_age": 0},
    ]
    f.may_differ("Expires")  # It follows the clock.
    for number, option in enumerate(options):
        f.view(lambda option=option: f.send_file(path, **option), f"/{number}")
        f.ask(f"GET /{number}", f"HEAD /{number}")
        f.ask(f"GET /{number}", headers={"Range": "bytes=2-4"})


def case_send_file_from_memory(f):
    f.view(lambda: f.send_file(io.BytesIO(b"in memory"), download_name="m.bin"), "/named")
    f.view(lambda: f.send_file(io.BytesIO(b"in memory"), mimetype="text/x", max_age=3), "/typed")
    f.view(lambda: f.send_file(io.BytesIO(b"x")), "/untyped")
    f.view(lambda: f.send_file(io.BytesIO(b"x"), mimetype="a/b", as_attachment=True), "/unnamed")
    f.may_differ("Expires")
    f.ask("GET /named", "HEAD /named", "GET /typed", "GET /untyped", "GET /unnamed")
    f.ask("GET /named", headers={"Range": "bytes=3-"})


def case_send_from_directory(f):
    f.view(lambda name: f.send_from_directory("static", name), "/<path:name>")
    f.view(
        lambda name: f.send_from_directory(ROOT + "/static", name, as_attachment=True),
        "/abs/<path:name>",
    )
    f.ask(
        "GET /hello.txt",
        "GET /nowhere",
        "GET /../conftest.py",
        "GET /abs/hello.txt",
        "GET /..%2fother/only.html",
    )


def case_send_file_that_is_not_there(f):
    f.view(lambda: f.send_file("/nonexistent/file.txt"))


# -- JSON ------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int
    y: int


class WithHtml:
    def __html__(self):
        return "<b>html</b>"


def case_json_types(f):
    value = {
        "date": datetime.date(2026, 1, 2),
        "datetime": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "aware": datetime.datetime(
            2026, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=5))
        ),
        "decimal": decimal.Decimal("1.10"),
        "uuid": uuid.UUID(int=5),
        "point": Point(1, 2),
        "html": WithHtml(),
        "text": "ü \u2028 </script>",
        "float": float("inf"),
    }
    f.view(lambda: f.jsonify(value))
    f.view(lambda: value, "/dict")
    f.view(lambda: f.json.dumps(value), "/dumps")
    f.ask("GET /", "GET /dict", "GET /dumps")


def case_json_settings(f):
    f.app.json.sort_keys = False
    f.app.json.ensure_ascii = False
    f.app.json.mimetype = "application/x+json"
    f.app.json.compact = False
    f.view(lambda: f.jsonify(b="ü", a=1))
    f.view(lambda: {"b": 1, "a": 2}, "/dict")
    f.ask("GET /", "GET /dict")


def case_json_in_debug_is_indented(f):
    f.app.debug = True
    f.view(lambda: {"b": [1, 2]})
    f.view(lambda: [1], "/list")
    f.ask("GET /", "GET /list")


def case_json_keys_of_mixed_types(f):
    f.view(lambda: {1: "a", "b": 2})


def case_json_provider_is_replaced(f):
    provider = f.module("json.provider").DefaultJSONProvider

    class Shouting(provider):
        def dumps(self, obj, **kwargs):
            return super().dumps(obj, **kwargs).upper()

        def loads(self, s, **kwargs):
            return {"loaded": s.decode() if isinstance(s, bytes) else s}

    f.app.json = Shouting(f.app)
    f.view(lambda: {"a": "x"})
    f.view(lambda: f.jsonify("y"), "/jsonify")
    f.reading("get_json()", "/load")
    f.ask("GET /", "GET /jsonify")
    f.ask("POST /load", json={"a": 1})


def case_json_bodies(f):
    f.texts_may_differ()
    f.reading("get_json()", then=lambda value: {"got": value})
    f.ask("POST /", json={"a": [1, None, "ü"]})
    f.ask("POST /", json=None)
    for body in (
        b"",
        b"{",
        b"nope",
        b'{"a": 1} x',
        b"\xff\xfe",
        '{"ü": 1}'.encode("latin-1"),
        b"[" * 10,
    ):
        f.ask("POST /", data=body, content_type="application/json")
    for encoding in ("utf-8-sig", "utf-16", "utf-32", "utf-16-le"):
        f.ask("POST /", data='{"ü": 1}'.encode(encoding), content_type="application/json")
    for kind in (
        "text/plain",
        "application/vnd.api+json",
        "application/json; charset=latin1",
        "",
        "json",
    ):
        f.ask("POST /", data=b'{"a": 1}', content_type=kind)
    f.ask("POST /", data=b"NaN", content_type="application/json")


def case_json_error_texts_in_debug(f):
    f.app.debug = True
    f.reading("get_json()")
    f.ask("POST /", data=b"{", content_type="application/json")


def case_json_silent_and_forced(f):
    f.texts_may_differ()
    f.reading("get_json(silent=True)", "/silent", then=lambda value: repr(value))
    f.reading("get_json(force=True)", "/force", then=lambda value: repr(value))
    f.reading("json", "/property", then=lambda value: repr(value))
    for path in ("/silent", "/force", "/property"):
        f.ask(f"POST {path}", data=b"{", content_type="application/json")
        f.ask(f"POST {path}", data=b"[1]", content_type="text/plain")
        f.ask(f"POST {path}", json=[1])


# -- bodies and forms ------------------------------------------------------------------------------


def multi(values):
    return {key: values.getlist(key) for key in values}


def files_of(files):
    return [
        [name, file.filename, file.content_type, file.stream.read().decode()]
        for name, file in files.items(multi=True)
    ]


def case_forms(f):
    f.reading("form", then=multi)
    f.ask("POST /", data={"a": ["1", "2"], "ü": "ä &=+"})
    f.ask(
        "POST /",
        data=b"a=1&a=2&b&=x&c=%FC%C3%BC&d=+",
        content_type="application/x-www-form-urlencoded",
    )
    f.ask("POST /", data=b"a=1;b=2", content_type="application/x-www-form-urlencoded")
    f.ask("POST /", data={"a": "1"}, content_type="multipart/form-data")
    f.ask("POST /", data=b"a=1", content_type="text/plain")
    f.ask("POST /", data=b"")


def case_uploads(f):
    f.reading("files", then=lambda files: json.dumps(files_of(files)))
    f.ask("POST /", data={"a": "1", "f": (io.BytesIO(b"content"), "ü name.txt")})
    f.ask("POST /", data={"f": [(io.BytesIO(b"1"), "../a.txt", "text/x"), (io.BytesIO(b"2"), "b")]})
    f.ask("POST /", data={"f": (io.BytesIO(b""), "")}, content_type="multipart/form-data")


def case_data_and_values(f):
    f.reading("get_data()", "/data")
    f.reading("get_data(as_text=True)", "/text")
    f.reading("values", "/values", then=lambda values: json.dumps(values.to_dict(flat=False)))
    f.ask("POST /data", "POST /text", data="raw ü".encode(), content_type="text/plain")
    f.ask("POST /data", data={"a": 1})
    f.ask("POST /values?a=1&b=2", data={"a": "3"})


def case_content_too_large(f):
    f.texts_may_differ()
    f.app.config["MAX_CONTENT_LENGTH"] = 10
    for number, name in enumerate(("get_data()", "form", "get_json(force=True)", "files")):
        f.reading(name, f"/{number}", then=lambda value: str(len(value)))
        f.ask(
            f"POST /{number}",
            data=b"a=" + b"x" * 30,
            content_type="application/x-www-form-urlencoded",
        )
        f.ask(f"POST /{number}", data={"a": "x" * 30}, content_type="multipart/form-data")
        f.ask(f"POST /{number}", data=b"[1,2,3]", content_type="application/json")
    f.ask("POST /0", "POST /2", data=b"x" * 11)  # Reading a form where none is reads nothing here.
    f.on.route("/unread", endpoint="unread", methods=["POST"])(lambda: "unread")
    f.ask("POST /unread", data=b"x" * 11)


def case_form_limits(f):
    f.texts_may_differ()
    f.app.config.update(MAX_FORM_MEMORY_SIZE=1000, MAX_FORM_PARTS=2)
    f.reading("form", then=multi)
    kind = "multipart/form-data"
    f.ask("POST /", data={"a": "x" * 400}, content_type=kind)
    f.ask("POST /", data={"a": "x" * 1001}, content_type=kind)
    f.ask("POST /", data={"a": "1", "b": "2", "c": "3"}, content_type=kind)
    # (A urlencoded form that is too large is a 413 here only: CVE-2026-54283.)


def case_limits_of_one_request(f):
    f.texts_may_differ()

    def raise_limit():
        f.request.max_content_length = 100

    f.app.config["MAX_CONTENT_LENGTH"] = 5
    f.on.before_request(raise_limit)
    f.reading("get_data()")
    f.ask("POST /", data=b"x" * 50)
    f.ask("POST /", data=b"x" * 101)


# -- templates -------------------------------------------------------------------------------------


def case_templates(f):
    bp, on = f.blueprint("bp", url_prefix="/bp", template_folder="other")
    on.route("/", endpoint="v")(lambda: f.render_template("only.html"))
    f.app.register_blueprint(bp)
    f.view(lambda: f.render_template("hello.html", name="<b>"))
    f.view(lambda: f.render_template("child.html", value="<v>"), "/child")
    f.view(lambda: f.render_template("plain.txt", value="<v>"), "/plain")
    f.view(lambda: f.render_template(["missing.html", "hello.html"], name=1), "/list")
    f.view(lambda: f.render_template("missing.html"), "/missing")
    f.view(lambda: f.get_template_attribute("_macros.html", "greet")("you"), "/macro")
    f.ask(
        "GET /", "GET /child", "GET /plain", "GET /list", "GET /missing", "GET /macro", "GET /bp/"
    )


def case_template_strings(f):
    source = (
        "{{ request.path }} {{ session.get('k') }} {{ g.x }} {{ config.TESTING }} {{ url_for('static', filename='a') }}"
        " {{ get_flashed_messages() }} {{ '<'|upper }} {{ {'a': '</script>'}|tojson }} {{ extra }} {{ value|shout }}"
        " {{ 3 is odd_one }} {{ helper(2) }} {{ request.args.a }}"
    )
    f.app.context_processor(lambda: {"extra": "<extra>", "value": "shadowed"})
    f.app.template_filter("shout")(lambda s: s.upper() + "!")
    f.app.template_test("odd_one")(lambda n: n % 2 == 1)
    f.app.template_global("helper")(lambda n: n * 2)

    def view():
        f.g.x = "gx"
        return f.render_template_string(source, value="v")

    f.view(view)
    f.ask("GET /?a=<")


def case_streamed_templates(f):
    f.view(lambda: f.stream_template("hello.html", name="<s>"))
    f.view(
        lambda: f.stream_template_string(
            "{% for n in range(3) %}{{ n }}{{ request.path }}{% endfor %}"
        ),
        "/s",
    )
    f.ask("GET /", "GET /s")


def case_stream_with_context(f):
    def parts():
        for name in f.request.args:
            yield name + f.session.get("k", "-") + f.g.get("x", "-")

    def view():
        f.g.x = "gx"
        return f.Response(f.stream_with_context(parts()), mimetype="text/plain")

    f.view(view)
    f.ask("GET /?a&b&c", "HEAD /?a")


def case_template_errors(f):
    f.app.config["PROPAGATE_EXCEPTIONS"] = True
    f.view(lambda: f.render_template_string("{% if %}"), "/syntax")
    f.view(lambda: f.render_template_string("{{ missing.attribute }}"), "/undefined")
    f.view(lambda: f.render_template("missing.html"), "/missing")
    f.ask("GET /syntax", "GET /undefined", "GET /missing")


# -- views that are classes ------------------------------------------------------------------------


def case_method_views(f):
    class Item(f.module("views").MethodView):
        init_every_request = False

        def get(self, n):
            return f"get {n}"

        def post(self, n):
            return f"post {n}", 201

    f.app.add_url_rule("/<int:n>", view_func=Item.as_view("item"))
    f.ask("GET /1", "POST /1", "HEAD /1", "OPTIONS /1", "PUT /1", "GET /x")


def case_views(f):
    class Show(f.module("views").View):
        methods = ["GET", "POST"]
        decorators = [lambda view: lambda **kw: "<" + view(**kw) + ">"]

        def __init__(self, word):
            self.word = word

        def dispatch_request(self, n):
            return f"{self.word} {n} {f.request.method}"

    f.app.add_url_rule("/<int:n>", view_func=Show.as_view("show", "word"))
    f.ask("GET /1", "POST /1", "PUT /1")


# -- blueprints ------------------------------------------------------------------------------------


def case_one_blueprint_under_several_names(f):
    bp, on = f.blueprint("bp", url_prefix="/bp")
    on.route("/", endpoint="v")(
        lambda: " ".join([f.request.endpoint, f.request.blueprint, f.url_for(".v")])
    )
    f.app.register_blueprint(bp)
    f.app.register_blueprint(bp, name="other", url_prefix="/other")
    f.ask("GET /bp/", "GET /other/", "GET /bp")


def case_nested_blueprints(f):
    parent, _ = f.blueprint("parent", url_prefix="/parent")
    child, on_child = f.blueprint("child", url_prefix="/child")
    grand, on_grand = f.blueprint("grand")
    show = lambda: (
        f"{f.request.endpoint} {f.request.blueprints} {f.url_for('parent.child.grand.v')}"
    )  # noqa: E731
    on_child.route("/", endpoint="v")(show)
    on_grand.route("/g", endpoint="v")(show)
    child.register_blueprint(grand, url_prefix="/grand")
    parent.register_blueprint(child, url_prefix="/other")
    f.app.register_blueprint(parent, url_prefix="/top")
    f.ask("GET /top/other/", "GET /top/other/grand/g", "GET /parent/child/")


def case_blueprint_on_a_subdomain(f):
    f.make(subdomain_matching=True)
    f.app.config["SERVER_NAME"] = "ex.test"
    bp, on = f.blueprint("bp", subdomain="sub")
    on.route("/", endpoint="v")(lambda: f.url_for(".v", _external=True))
    f.app.register_blueprint(bp)
    f.ask("GET http://sub.ex.test/", "GET http://ex.test/")


def case_blueprint_url_defaults_and_record(f):
    bp, on = f.blueprint("bp")
    on.route("/<a>/<b>", endpoint="v")(lambda a, b, c: a + b + c)
    bp.record(
        lambda state: state.add_url_rule("/recorded", "r", f.colour(lambda c: "recorded" + c))
    )
    f.app.register_blueprint(bp, url_prefix="/x", url_defaults={"c": "C"})
    f.ask("GET /x/1/2", "GET /x/recorded")
