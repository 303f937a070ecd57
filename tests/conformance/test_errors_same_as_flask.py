"""Errors, their handlers, hooks and the request: responses and order are those of real Flask."""

from __future__ import annotations

import json

import werkzeug.exceptions as wz
from werkzeug.exceptions import HTTPException


async def test_same_as_flask(case, keyword, same):
    await same(case, keyword)


def raising(error):
    raise error


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
            f.after_this_request(f.keyword(logging(f, f"this {number}", hands_on=True)))
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
