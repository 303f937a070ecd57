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
    "documents",
    "examples",
]


@pytest.mark.parametrize("files", RIGHT)
def test_mypy_accepts(mypy, files):
    assert mypy.of(files) == ""


def test_mypy_finds_nothing_outside_of_what_is_checked(mypy):
    """A path that is not recognized would hide an error from the test above."""
    folders = {file.partition("/")[0] for file in (*mypy.errors, *mypy.notes)}

    assert folders <= {"probes", "documents", "revealed", "examples"}


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

_spec = importlib.util.spec_from_file_location("revealed", Path(__file__).parent / "revealed.py")
revealed = importlib.util.module_from_spec(_spec)
sys.modules["revealed"] = revealed
_spec.loader.exec_module(revealed)

#: Names whose types are not as exact as Flask's, and why.
LESS_EXACT = {
    "asyncflask.flask": {},
    "asyncflask": {
        **dict.fromkeys(
            (
                *("full_dispatch_request", "preprocess_request", "dispatch_request"),
                *("finalize_request", "process_response", "handle_exception"),
                *("handle_http_exception", "handle_user_exception"),
                *("do_teardown_request", "do_teardown_appcontext"),
            ),
            "a step is awaited on the loop, and returns the result itself in a worker thread",
        ),
        **dict.fromkeys(("json", "get_json"), "JSON"),
        **dict.fromkeys(
            ("create_url_adapter", "raise_routing_exception"),
            "an override of each API names its own class of requests",
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
