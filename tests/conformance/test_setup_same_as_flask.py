"""Blueprints, static files by host, and refused registrations are the same on real Flask."""

from __future__ import annotations

import itertools

import flask
import pytest
import werkzeug.exceptions as wz

import asyncflask


async def test_same_as_flask(case, keyword, same):
    await same(case, keyword)


# -- blueprints ------------------------------------------------------------------------------------


def show(f):
    return lambda **args: " ".join(
        [f.request.endpoint, str(f.request.blueprints), f.url_for(".v", **args), str(args)]
    )


def case_app_wide_variants(f):
    bp, on = f.blueprint("bp", url_prefix="/bp")
    on.before_app_request(lambda: f.log.append("before"))
    on.after_app_request(lambda response: f.log.append("after") or response)
    on.teardown_app_request(lambda error: f.log.append("teardown"))
    on.app_errorhandler(404)(lambda error: ("app-wide 404", 404))
    on.app_errorhandler(KeyError)(lambda error: ("app-wide key", 400))
    on.app_url_value_preprocessor(lambda endpoint, values: f.log.append([endpoint, values]))
    bp.app_url_defaults(lambda endpoint, values: values.setdefault("q", "default"))
    bp.app_context_processor(lambda: {"who": "everywhere"})
    bp.app_template_filter("shout")(lambda text: text.upper())
    bp.app_template_test("loud")(lambda text: text.isupper())
    bp.app_template_global("say")(lambda: "hello")
    source = "{{ who }} {{ 'a'|shout }} {{ 'A' is loud }} {{ say() }} {{ url_for('v') }}"
    f.on.route("/", endpoint="v")(lambda: f.render_template_string(source))
    f.on.route("/key", endpoint="key")(lambda: {}["key"])
    f.app.register_blueprint(bp)
    f.app.register_blueprint(bp, name="again", url_prefix="/again")
    f.ask("GET /", "GET /nowhere", "GET /bp/nowhere", "GET /key")


def case_one_blueprint_in_several_places(f):
    bp, on = f.blueprint("bp", url_prefix="/bp", url_defaults={"a": "own"})
    on.route("/", endpoint="v")(show(f))
    on.before_request(lambda: f.log.append(f.request.blueprint))
    on.errorhandler(404)(lambda error: (f"404 of {f.request.blueprint}", 404))
    on.route("/404", endpoint="missing")(lambda a: f.abort(404))
    outer, _ = f.blueprint("outer", url_prefix="/outer")
    outer.register_blueprint(bp, url_prefix="/x")
    outer.register_blueprint(bp, name="named", url_prefix="/y", url_defaults={"a": "given"})
    f.app.register_blueprint(bp, url_defaults={"a": "app"})
    f.app.register_blueprint(outer)
    f.app.register_blueprint(outer, name="second", url_prefix="/second")
    for place in ("/bp", "/outer/x", "/outer/y", "/second/x", "/second/y", "/outer/bp"):
        f.ask(f"GET {place}/", f"GET {place}/404", f"GET {place}")


def case_prefixes_of_nested_blueprints(f):
    choices = itertools.product((None, "/o", "/o/"), (None, "/i", "/i/"), ("/", "/r"))
    for number, (outer_prefix, inner_prefix, rule) in enumerate(choices):
        outer, _ = f.blueprint(f"outer{number}", url_prefix=outer_prefix)
        inner, on = f.blueprint("inner", url_prefix=inner_prefix)
        on.route(f"{rule}{number}", endpoint="v")(show(f))
        outer.register_blueprint(inner)
        f.app.register_blueprint(outer)
        for prefix in ("", "/o", "/i", "/o/i"):
            f.ask(f"GET {prefix}{rule}{number}")


def case_subdomains_of_nested_blueprints(f):
    f.make(subdomain_matching=True)
    f.app.config["SERVER_NAME"] = "ex.test"
    for number, (outside, inside) in enumerate([("o", "i"), (None, "i"), ("o", None)]):
        outer, _ = f.blueprint(f"outer{number}", subdomain=outside)
        inner, on = f.blueprint("inner", subdomain=inside)
        on.route(f"/{number}", endpoint="v")(lambda: f.url_for(".v", _external=True))
        outer.register_blueprint(inner)
        f.app.register_blueprint(outer)
        for host in ("ex.test", "o.ex.test", "i.ex.test", "i.o.ex.test", "o.i.ex.test"):
            f.ask(f"GET http://{host}/{number}")


def case_record_and_record_once(f):
    bp, _ = f.blueprint("bp", url_prefix="/bp")

    def note(name):
        return lambda state: f.log.append(
            [name, state.first_registration, state.name, state.url_prefix, state.name_prefix]
        )

    bp.record(note("record"))
    bp.record_once(note("once"))
    outer, _ = f.blueprint("outer")
    outer.register_blueprint(bp)
    f.app.register_blueprint(bp)
    f.app.register_blueprint(bp, name="again")
    f.app.register_blueprint(outer)


def case_an_endpoint_registered_by_a_blueprint(f):
    bp, on = f.blueprint("bp", url_prefix="/bp")
    bp.add_url_rule("/x", "x")
    on.endpoint("bp.x")(lambda: "x")
    on.endpoint("free")(lambda: "free")
    f.app.add_url_rule("/free", "free")
    f.app.register_blueprint(bp)
    f.ask("GET /bp/x", "GET /free")


def case_errors_of_paths_below_a_prefix_are_the_apps(f):
    bp, on = f.blueprint("bp", url_prefix="/bp")
    on.errorhandler(404)(lambda error: ("blueprint", 404))
    on.errorhandler(405)(lambda error: ("blueprint", 405))
    on.route("/x", endpoint="x")(lambda: f.abort(404))
    f.on.errorhandler(404)(lambda error: ("app", 404))
    f.app.register_blueprint(bp)
    f.ask("GET /bp/x", "GET /bp/nowhere", "POST /bp/x")


# -- static files and folders ----------------------------------------------------------------------


def case_static_host(f):
    f.make(host_matching=True, static_host="cdn.test")
    f.view(lambda: f.url_for("static", filename="hello.txt"), "/", host="www.test")
    f.ask("GET http://cdn.test/static/hello.txt", "GET http://www.test/static/hello.txt")
    f.ask("GET http://www.test/")


def case_template_folders(f):
    bp, on = f.blueprint("bp", url_prefix="/bp", template_folder="other")
    on.route("/<name>", endpoint="v")(lambda name: f.render_template(f"{name}.html"))
    f.on.route("/<name>", endpoint="v")(lambda name: f.render_template(f"{name}.html"))
    f.app.register_blueprint(bp)
    f.ask("GET /only", "GET /bp/only", "GET /bp/hello", "GET /bp/nowhere")


# -- refused ---------------------------------------------------------------------------------------


def served(lib):
    app = lib.Flask("x")
    app._got_first_request = True
    return app


def registered(lib):
    app, bp = lib.Flask("x"), lib.Blueprint("bp", "x")
    app.register_blueprint(bp)
    return app, bp


def two_views(lib):
    app = lib.Flask("x")
    app.add_url_rule("/a", "e", lambda: "")
    app.add_url_rule("/b", "e", lambda: "")


def view_with_a_dot(lib):
    def view():
        return ""

    view.__name__ = "a.b"
    lib.Blueprint("bp", "x").add_url_rule("/", view_func=view)


REFUSED = {
    "relative_instance_path": lambda lib: lib.Flask("x", instance_path="relative"),
    "static_host_alone": lambda lib: lib.Flask("x", static_host="a.test"),
    "host_matching_alone": lambda lib: lib.Flask("x", host_matching=True),
    "blueprint_without_name": lambda lib: lib.Blueprint("", "x"),
    "blueprint_with_a_dot": lambda lib: lib.Blueprint("a.b", "x"),
    "endpoint_with_a_dot": lambda lib: lib.Blueprint("b", "x").add_url_rule("/", "a.b"),
    "view_with_a_dot": view_with_a_dot,
    "blueprint_in_itself": lambda lib: (bp := lib.Blueprint("b", "x")).register_blueprint(bp),
    "blueprint_twice": lambda lib: (p := registered(lib))[0].register_blueprint(p[1]),
    "late_setup": lambda lib: served(lib).before_request(lambda: None),
    "late_setup_of_a_blueprint": lambda lib: registered(lib)[1].get("/"),
    "methods_for_get": lambda lib: lib.Flask("x").get("/", methods=["POST"]),
    "methods_as_text": lambda lib: lib.Flask("x").add_url_rule("/", "e", methods="POST"),
    "rule_without_a_slash": lambda lib: lib.Flask("x").add_url_rule("a", "e"),
    "rule_without_a_view": lambda lib: lib.Flask("x").add_url_rule("/"),
    "unknown_converter": lambda lib: lib.Flask("x").add_url_rule("/<no:a>", "e"),
    "two_views": two_views,
    "unknown_code": lambda lib: lib.Flask("x").register_error_handler(999, print),
    "error_object": lambda lib: lib.Flask("x").register_error_handler(wz.NotFound(), print),
    "no_exception": lambda lib: lib.Flask("x").register_error_handler(str, print),
    "written_resource": lambda lib: lib.Flask("x").open_resource("a", "w"),
    "missing_resource": lambda lib: lib.Flask("x").open_resource("no such file"),
    "no_static_folder": lambda lib: lib.Blueprint("b", "x").send_static_file("a"),
    "redirect_without_target": lambda lib: lib.redirect(),
    "abort_with_an_unknown_code": lambda lib: lib.abort(999),
    "flash_outside": lambda lib: lib.flash("x"),
    "url_for_outside": lambda lib: lib.url_for("x"),
    "proxy_outside": lambda lib: lib.request.path,
    "option_of_no_rule": lambda lib: lib.Flask("x").get("/", keyword="red")(lambda: ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_registration_that_flask_refuses_raises_the_same_class(name):
    with pytest.raises(Exception, match=r".+") as theirs:
        REFUSED[name](flask)
    with pytest.raises(theirs.type, match=r".+"):
        REFUSED[name](asyncflask)
