"""Sessions, flashing, URLs and files: the responses are those of real Flask."""

from __future__ import annotations

import datetime
import io
import json
import os
import uuid

ROOT = os.path.join(os.path.dirname(__file__), "folder")


async def test_same_as_flask(case, keyword, same):
    await same(case, keyword)


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
    """GHSA-68rp-wp8r-4726 (CVE-2026-27205): reading keys or length is an access, too."""
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
    """GHSA-m2qf-hxjv-5gpq (CVE-2023-30861): a refreshed session varies even without a read."""

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
