"""Code of users passes mypy --strict and pyright where it is right, and is refused where not."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)  # mypy without a cache checks the package as well

PROBES = Path(__file__).parent / "probes"
RIGHT = [
    "probes/right.py",
    "probes/right_facade.py",
    "probes/right_overrides.py",
    "probes/right_quart.py",
    "probes/right_subclasses.py",
    "probes/right_flask_subclasses.py",
    "probes/right_quart_subclasses.py",
    "documents",
    "examples",
]


@pytest.mark.parametrize("files", RIGHT)
def test_mypy_accepts(mypy, files):
    assert mypy.of(files) == ""


def test_mypy_finds_nothing_outside_of_what_is_checked(mypy):
    """A path that is not recognized would hide an error from the test above."""
    folders = {file.partition("/")[0] for file in (*mypy.errors, *mypy.notes)}

    assert folders <= {"probes", "documents", "revealed", "overridden", "examples"}


@pytest.mark.parametrize("files", RIGHT)
def test_pyright_accepts(pyright, files):
    assert pyright.of(files) == ""


def expected(number):
    """The rule that each line of wrong.py breaks, of mypy (0) or pyright (1)."""
    lines = (PROBES / "wrong.py").read_text().splitlines()
    found = {}
    for at, line in enumerate(lines, 1):
        if match := re.search(r"# E: ([\w-]+), (\w+)$", line):
            found[at] = [match[number + 1]]
    return found


def test_mypy_refuses_what_is_wrong(mypy):
    assert mypy.errors["probes/wrong.py"] == expected(0)


def test_pyright_refuses_what_is_wrong(pyright):
    assert pyright.errors["probes/wrong.py"] == expected(1)


def test_a_use_without_await_is_marked_as_deprecated(mypy):
    lines = (PROBES / "marked.py").read_text().splitlines()
    marked = {at for at, line in enumerate(lines, 1) if line.endswith("# deprecated")}

    errors = mypy.errors["probes/marked.py"]

    assert set(errors) == marked
    assert {rule for rules in errors.values() for rule in rules} == {"deprecated"}


# -- as much as Flask's types say ------------------------------------------------------------------


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


revealed, overridden = _load("revealed"), _load("overridden")

#: Names whose types are not as exact as Flask's, and why.
LESS_EXACT = {
    "asyncflask.flask": {},
    "asyncflask": {
        **dict.fromkeys(("json", "get_json"), "JSON"),
        **dict.fromkeys(
            ("create_url_adapter", "raise_routing_exception", "process_response"),
            "an override of each API names its own class of requests and responses",
        ),
    },
}
#: Names that Flask's classes have, and ours do not.
ABSENT = {
    "asyncflask.flask": {},
    "asyncflask": {
        "wsgi_app": "the app is an ASGI application",
        "request_context": "it takes an ASGI scope",
        **dict.fromkeys(
            (
                *("application", "environ", "form_data_parser_class", "from_values"),
                *("input_stream", "is_multiprocess", "is_multithread", "is_run_once"),
                *("make_form_data_parser", "remote_user", "shallow"),
            ),
            "the request does not come over WSGI",
        ),
    },
}


@pytest.mark.parametrize("package", revealed.PACKAGES[1:])
def test_what_flask_types_is_not_any(mypy, package):
    theirs = mypy.notes["revealed/flask.py"]
    file = f"revealed/{package.replace('.', '_')}.py"
    ours, unknown = mypy.notes[file], mypy.errors[file]
    vague = [
        f"{expression}: {ours[at]}"
        for at, expression in enumerate(revealed.expressions(), revealed.line(0))
        if at in theirs
        and at in ours
        and at not in unknown
        and _is_any(ours[at])
        and not _is_any(theirs[at])
        and expression.rpartition(".")[2] not in LESS_EXACT[package]
    ]

    assert not vague, "\n".join(vague)


def _is_any(note):
    return revealed.has_any(re.fullmatch(r'Revealed type is "(.*)"', note)[1])


@pytest.mark.parametrize("package", revealed.PACKAGES[1:])
def test_what_flask_has_is_known_to_checkers(mypy, package):
    file = f"revealed/{package.replace('.', '_')}.py"
    unknown = [
        expression
        for at, expression in enumerate(revealed.expressions(), revealed.line(0))
        if at in mypy.errors[file]
        and at not in mypy.errors["revealed/flask.py"]
        and expression.rpartition(".")[2] not in ABSENT[package]
    ]

    assert not unknown


# -- subclasses that override a method -------------------------------------------------------------

_FILES = "Quart's method is awaited, and has no `encoding`"
_BODY = "our class extends the async API's or Werkzeug's, whose body is read in another way"
_SETTABLE = "our attribute may be set"
_MORE = "ours takes more: `None`, another type of headers or of a path"
_PUSHED = "the async API's contexts are pushed without `await`"
#: Overrides that are refused though those of Flask's or Quart's class are accepted, and why.
REFUSED = {
    "flask": {"RequestContext.session": _SETTABLE},
    "quart": {
        "Quart.run": "our keyword arguments are those of the embedded server",
        **dict.fromkeys(("Quart.open_resource", "Quart.open_instance_resource"), _FILES),
        "Blueprint.open_resource": _FILES,
        **dict.fromkeys(("Request.data", "Request.files", "Request.get_data"), _BODY),
        **dict.fromkeys(("Request.form", "Request.values", "Request.json"), _BODY),
        **dict.fromkeys(("Request.stream", "Request.close"), _BODY),
        **dict.fromkeys(("Response.data", "Response.get_data", "Response.freeze"), _BODY),
        **dict.fromkeys(("Response.make_sequence", "Response.add_etag"), _BODY),
        "Response.make_conditional": _BODY,
        **dict.fromkeys(("RequestContext.request", "WebsocketContext.websocket"), _SETTABLE),
        **dict.fromkeys(("RequestContext.push", "RequestContext.pop"), _PUSHED),
        **dict.fromkeys(("WebsocketContext.push", "WebsocketContext.pop"), _PUSHED),
        **dict.fromkeys(("AppContext.push", "AppContext.pop"), _PUSHED),
        "AppContext.copy": "our copy has the class of the context",
        **dict.fromkeys(("Websocket.accept", "Websocket.close"), _MORE),
        **dict.fromkeys(("MultiPartParser.start_file_streaming", "MultiPartParser.parse"), _MORE),
        "FileStorage.load": _MORE,
        **dict.fromkeys(("TestClientProtocol.set_cookie", "QuartClient.set_cookie"), _MORE),
        "ASGIWebsocketConnection.accept_connection": _MORE,
        "TestApp.test_client": "ours has the arguments of the app's method",
    },
}


@pytest.mark.parametrize("package", overridden.FACADES)
def test_an_override_with_the_signature_of_flask_or_quart_is_accepted(mypy, package):
    """Even Flask and Quart refuse a few overrides with their own signatures."""
    theirs = _refused(mypy, package, package)
    ours = _refused(mypy, package, overridden.FACADES[package])

    assert sorted(ours - theirs) == sorted(REFUSED[package])


def _refused(mypy, package, base):
    refused = set()
    for name, text in overridden.stubs(package, base).items():
        methods = overridden.methods(text)
        errors = mypy.errors[f"overridden/{name}"]
        # A name that is not found would be Any, and hide what a signature with it is.
        assert ["attr-defined"] not in errors.values()
        refused |= {
            methods[line]
            for line, rules in errors.items()
            if line in methods and not {"override", "misc"}.isdisjoint(rules)
        }
    return refused
